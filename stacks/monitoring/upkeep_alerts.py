"""Alerts of what the service does by itself: its background tasks, and the months that its jobs are kept in. Pure.

No client waits for these, so nothing else shows that they stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stacks.monitoring.alert_context import AlertContext
from stacks.monitoring.promql import Queries
from stacks.monitoring.runbooks import runbook
from stacks.specs.alert import AlertRule, Severity
from stacks.specs.workload import Workload

FAILURES: Final = 3
"""Failures of one task in one instance within ``FAILURES_MINUTES``; a task that always fails has some sixty."""
FAILURES_MINUTES: Final = 10
STRAYED_HOURS: Final = 26
"""Daily maintenance moves such jobs within a day; two hours more for the run, and for a backup that it waits for."""
STRAYED_WINDOW: Final = "10m"
"""A single reading that is missed would begin the hours anew."""


def background_tasks(context: AlertContext) -> Iterator[AlertRule]:
    """A rule for each workload with background tasks, which are those with a database."""
    yield from (_failing(context.queries, one) for one in context.workloads if one.pool is not None)


def _failing(queries: Queries, workload: Workload) -> AlertRule:
    """Alert on a background task that fails repeatedly, by instance, not added up: one bad moment fails a task once in
    each of them. ``increase`` extends what it saw to the ends of its window, so that three failures come out as a
    little more.
    """
    grown = f"increase({queries.series('background_failures_total', workload)}[{FAILURES_MINUTES}m])"
    name = "BackgroundTaskFailing"
    return AlertRule(
        name=name,
        about=workload.name,
        expression=f"floor(max by (namespace, task) ({grown})) > {FAILURES}",
        for_seconds=0,
        severity=Severity.WARNING,
        summary=f"a background task of {workload.name} fails repeatedly",
        description=f"The task {{{{ $labels.task }}}} failed {{{{ $value }}}} times within {FAILURES_MINUTES} min, in "
        f"one instance of {workload.name}, and was restarted each time.",
        runbook=runbook("upkeep", name),
    )


def stray_jobs(context: AlertContext) -> AlertRule:
    """Jobs in no month's partition."""
    name = "JobsWithoutPartition"
    return AlertRule(
        name=name,
        about="postgres",
        expression=f"{context.queries.elected('jobs_default_partition_rows', over=STRAYED_WINDOW)} > 0",
        for_seconds=STRAYED_HOURS * 3600,
        severity=Severity.WARNING,
        summary=f"jobs have been in the default partition for more than {STRAYED_HOURS} h",
        description="{{ $value }} jobs (counted up to 1000) are in the table jobs_default: daily maintenance has not "
        "made their months' partitions.",
        runbook=runbook("upkeep", name),
    )
