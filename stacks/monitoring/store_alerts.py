"""Alerts of the stores in the cluster, whose metrics the service exports (P03, R03). Managed ones have CloudWatch
alarms: stacks.monitoring.store_metric_alarms. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from infra.settings.stores import Backend
from stacks.monitoring import store_size_advice as steps
from stacks.monitoring.alert_context import AlertContext
from stacks.monitoring.promql import Queries
from stacks.monitoring.runbooks import runbook
from stacks.specs.alert import AlertRule, Severity
from stacks.specs.store import Role

FULL: Final = {Role.QUEUE: Severity.WARNING, Role.CACHE: Severity.LOW}
"""A full queue refuses, so that limits are counted by each process alone; a full cache only forgets."""


def store_alerts(context: AlertContext) -> Iterator[AlertRule]:
    """Alerts on stores that need their next size, each with the setting that gives it."""
    queries, profile = context.queries, context.profile
    if profile.postgres.backend is Backend.CLUSTER:
        advice = steps.database_advice(profile.postgres)
        above = f"{queries.connections()} > {steps.CONNECTIONS}"
        yield _alert("DatabaseConnectionsHigh", "postgres", above, Severity.WARNING, advice)
    if profile.redis.backend is Backend.CLUSTER:
        for role, severity in FULL.items():
            share = f"100 * {_of_redis(queries, 'used', role)} / ({_of_redis(queries, 'max', role)} > 0)"
            advice = steps.redis_advice(profile.redis, role)
            yield _alert("RedisMemoryHigh", f"redis-{role}", f"{share} > {steps.MEMORY_PERCENT}", severity, advice)


def _of_redis(queries: Queries, what: str, role: Role) -> str:
    return queries.elected(f"redis_memory_{what}_bytes", f'store="{role}"')


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
