"""Alert rules of workflow-dashboard: document B's thresholds and severities (O02). Pure.

CPU and memory are of an instance's limit, because that is where it is slowed down or killed. Document B's Medium is the
severity warning. Its disk figures are the managed database's, which has CloudWatch alarms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from infra.catalog.units import MEBIBYTE
from stacks.monitoring.alert_context import AlertContext
from stacks.monitoring.promql import WINDOW, Queries
from stacks.monitoring.runbooks import runbook
from stacks.monitoring.store_alerts import store_alerts
from stacks.specs.alert import AlertRule, Severity
from stacks.specs.resources import mebibytes, millicores
from stacks.specs.scale_triggers import Subject
from stacks.specs.workload import Workload

PAGE: Final = "workflow-dashboard"
DOWN_SECONDS: Final = 90
"""Three health checks of 30 s (document B)."""


@dataclass(frozen=True)
class Threshold:
    """Bound of document B.

    name: alert name.
    subject: metric, with its unit.
    above: bound, in the subject's unit.
    severity: urgency.
    what: the metric in words.
    unit: unit in words.
    """

    name: str
    subject: Subject
    above: float
    severity: Severity
    what: str
    unit: str = "%"


HELD_SECONDS: Final = 300
"""Document B names no time; the others' is five minutes."""

ANSWERS: Final = (
    Threshold("ErrorsRaised", Subject.ERRORS, 1, Severity.WARNING, "the share of answers with a 5xx status"),
    Threshold("ErrorsHigh", Subject.ERRORS, 5, Severity.HIGH, "the share of answers with a 5xx status"),
    Threshold("LatencyRaised", Subject.LATENCY, 1, Severity.WARNING, "p95 of the response time", "s"),
    Threshold("LatencyHigh", Subject.LATENCY, 2, Severity.WARNING, "p95 of the response time", "s"),
)

CAPACITY: Final = (
    Threshold("CpuRaised", Subject.CPU, 80, Severity.WARNING, "CPU of an instance"),
    Threshold("CpuHigh", Subject.CPU, 90, Severity.HIGH, "CPU of an instance"),
    Threshold("MemoryRaised", Subject.MEMORY, 85, Severity.WARNING, "memory of an instance"),
    Threshold("MemoryExhausted", Subject.MEMORY, 95, Severity.CRITICAL, "memory of an instance"),
)


def alerts(context: AlertContext) -> Mapping[str, tuple[AlertRule, ...]]:
    """Every rule of a region, by group."""
    stores = tuple(store_alerts(context))
    return {
        "answers": tuple(_rules(context, ANSWERS)),
        "capacity": tuple(_rules(context, CAPACITY)),
        "figures": tuple(_down(context.queries, workload) for workload in context.workloads),
        **({"stores": stores} if stores else {}),
    }


def _rules(context: AlertContext, thresholds: tuple[Threshold, ...]) -> Iterator[AlertRule]:
    for workload in context.workloads:
        for one in thresholds:
            yield AlertRule(
                name=one.name,
                about=workload.name,
                expression=f"{_measured(context.queries, one.subject, workload)} > {one.above:g}",
                for_seconds=HELD_SECONDS,
                severity=one.severity,
                summary=f"{one.what} of {workload.name} is above {one.above:g} {one.unit}",
                description=f"{one.what}: {{{{ $value | humanize }}}} {one.unit} for {HELD_SECONDS // 60} min.",
                runbook=runbook(PAGE, one.name),
            )


def _measured(queries: Queries, subject: Subject, workload: Workload) -> str:
    """The busiest instance, per cent of its limit; what clients feel as every product has it."""
    match subject:
        case Subject.CPU:
            # The figure is per cent of one core.
            percent = millicores(workload.resources.cpu_limit) / 10
            used = f"avg_over_time({queries.series('cpu_usage_percent', workload)}[{WINDOW}])"
            return f"100 * max by (namespace) ({used}) / {percent:g}"
        case Subject.MEMORY:
            amount = mebibytes(workload.resources.memory_limit) * MEBIBYTE
            return f"100 * max by (namespace) ({queries.series('memory_usage_bytes', workload)}) / {amount}"
        case _:
            return queries.measured(subject, workload)


def _down(queries: Queries, workload: Workload) -> AlertRule:
    return AlertRule(
        name="ServiceDown",
        about=workload.name,
        expression=f"absent({queries.series('memory_usage_bytes', workload)})",
        for_seconds=DOWN_SECONDS,
        severity=Severity.CRITICAL,
        summary=f"no instance of {workload.name} answers",
        description=f"Prometheus has scraped no {workload.name} pod for {DOWN_SECONDS} s.",
        runbook=runbook(PAGE, "ServiceDown"),
    )
