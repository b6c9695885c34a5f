"""Profile of a stack: its environment's, with the stack file's own values over it. Pure."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from infra.settings.services import TIER_MEMORY, ServiceSettings
from infra.settings.stack import StackSettings
from stacks.specs.profile import Profile, Size


def resolve(settings: StackSettings, base: Profile) -> Profile:
    """The environment's profile ``base`` with the stack file's own values over it."""
    services = {name: _sized(size, settings.services.get(name)) for name, size in base.services.items()}
    postgres = replace(base.postgres, **settings.postgres.model_dump(exclude_none=True))
    redis = replace(base.redis, **settings.redis.model_dump(exclude_none=True))
    return replace(
        base,
        services=MappingProxyType(services),
        postgres=postgres,
        redis=redis,
        backup_schedule=settings.backup.schedule or base.backup_schedule,
        retention_days=settings.backup.retention_days or base.retention_days,
        lock_days=settings.backup.lock_days or base.lock_days,
        alarm_hours=settings.backup.alarm_hours or base.alarm_hours,
        monthly_usd=settings.budget.monthly_usd or base.monthly_usd * len(settings.regions),
    )


def _sized(size: Size, own: ServiceSettings | None) -> Size:
    """A stack file that moves only one end of the range moves the other with it when they would cross."""
    if own is None:
        return size
    size = size if own.gpu is None else size.with_gpu(own.gpu)
    given = replace(size, **own.model_dump(exclude_none=True, exclude={"tier", "gpu"}))
    if own.tier is not None:
        given = replace(given, memory=TIER_MEMORY[own.tier])
    if given.minimum <= given.maximum:
        return given
    return replace(given, maximum=given.minimum) if own.maximum is None else replace(given, minimum=given.maximum)
