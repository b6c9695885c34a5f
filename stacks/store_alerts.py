"""Alerts of the stores in the cluster, whose metrics the service exports (P03, R03). Managed ones have CloudWatch
alarms: stacks.store_ceilings. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from components.alert_rules import AlertRule, Severity
from components.redis import Role
from infra.sections import Backend
from stacks import steps
from stacks.figures import connections, elected
from stacks.profile import Profile
from stacks.runbooks import runbook

FULL: Final = {Role.QUEUE: Severity.WARNING, Role.CACHE: Severity.LOW}
"""A full queue refuses, so that limits are counted by each process alone; a full cache only forgets."""


def store_alerts(profile: Profile) -> Iterator[AlertRule]:
    """Alerts on stores that need their next size, each with the setting that gives it."""
    if profile.postgres.backend is Backend.CLUSTER:
        advice = steps.database_advice(profile.postgres)
        above = f"{connections()} > {steps.CONNECTIONS}"
        yield _alert("DatabaseConnectionsHigh", "postgres", above, Severity.WARNING, advice)
    if profile.redis.backend is Backend.CLUSTER:
        for role, severity in FULL.items():
            share = f"100 * {_of_redis('used', role)} / ({_of_redis('max', role)} > 0)"
            advice = steps.redis_advice(profile.redis, role)
            yield _alert("RedisMemoryHigh", f"redis-{role}", f"{share} > {steps.MEMORY_PERCENT}", severity, advice)


def _of_redis(what: str, role: Role) -> str:
    return elected(f"redis_memory_{what}_bytes", f'store="{role}"')


def _alert(name: str, about: str, expression: str, severity: Severity, advice: str) -> AlertRule:
    return AlertRule(
        name=name,
        about=about,
        expression=expression,
        for_seconds=steps.MINUTES * 60,
        severity=severity,
        summary=f"{about} needs a larger size",
        description=f"{{{{ $value | humanize }}}}: {advice}.",
        runbook=runbook("stores", name),
    )
