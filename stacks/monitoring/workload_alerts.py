"""Alerts of a stack, computed from the scale triggers and from each workload's maximum (K19). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stacks.monitoring.alert_context import AlertContext
from stacks.monitoring.promql import Queries
from stacks.monitoring.runbooks import runbook
from stacks.specs import scale_triggers as triggers
from stacks.specs.alert import AlertRule, Severity
from stacks.specs.scale_triggers import Trigger
from stacks.specs.workload import Workload

BLIND_SECONDS: Final = 300
"""Two restarts take less."""


def answers(context: AlertContext) -> Iterator[AlertRule]:
    """Latency and errors of each public workload, as clients see them. A workload that is not public answers other
    services, which wait and retry.
    """
    for workload in context.workloads:
        if workload.public:
            yield from _answers(context.queries, workload)


def capacity(context: AlertContext) -> Iterator[AlertRule]:
    """Autoscalers at their maximum, and more instances than are needed. What has no autoscaler has nothing to say."""
    for workload in context.workloads:
        if workload.autoscaled:
            yield from _capacity(context.queries, workload, context.usual[workload.name])


def figures(context: AlertContext) -> Iterator[AlertRule]:
    """Workloads whose metrics are missing, so that no other alert of theirs can fire."""
    yield from (_blind(context.queries, workload) for workload in context.workloads)


def _answers(queries: Queries, workload: Workload) -> Iterator[AlertRule]:
    name = workload.name
    seconds = "The 95th percentile of the response time is {{ $value | humanizeDuration }}."
    yield _rule(
        queries,
        "ErrorsHigh",
        workload,
        triggers.ERRORS_HIGH,
        Severity.CRITICAL,
        f"{name} fails more than {triggers.ERRORS_HIGH.threshold:g} % of requests",
        "{{ $value | humanize }} % of responses have a 5xx status.",
        "answers",
    )
    for title, trigger, severity in (
        ("LatencyHigh", triggers.LATENCY_HIGH, Severity.HIGH),
        ("LatencyRaised", triggers.LATENCY_RAISED, Severity.WARNING),
    ):
        summary = f"p95 latency of {name} is above {trigger.threshold:g} s"
        yield _rule(queries, title, workload, trigger, severity, summary, seconds, "answers")


def _capacity(queries: Queries, workload: Workload, usual: int) -> Iterator[AlertRule]:
    if workload.queue is not None:
        yield _queue(queries, workload)
        return
    full = f"\nand {queries.instances(workload)} >= {workload.size.maximum}"
    for title, what, trigger in (
        ("CpuAtMaximum", "CPU", triggers.CPU_HELD),
        ("MemoryAtMaximum", "memory", triggers.MEMORY_HELD),
    ):
        yield _rule(
            queries,
            title,
            workload,
            trigger,
            Severity.WARNING,
            f"{workload.name} is at its maximum of instances and uses more than {trigger.threshold:g} % of its {what}",
            f"{{{{ $value | humanize }}}} % of an instance's {what} request is in use, with {workload.size.maximum} of "
            f"{workload.size.maximum} instances running: the autoscaler cannot add one.",
            "capacity",
            beside=full,
        )
    yield _could_be_smaller(queries, workload, usual)


def _queue(queries: Queries, workload: Workload) -> AlertRule:
    trigger = triggers.QUEUE_HELD
    return _rule(
        queries,
        "QueueLong",
        workload,
        trigger,
        Severity.WARNING,
        f"more than {trigger.threshold:g} jobs wait for {workload.name}",
        f"{{{{ $value }}}} jobs wait in the queue; the maximum is {workload.size.maximum} instances.",
        "capacity",
    )


def _could_be_smaller(queries: Queries, workload: Workload, usual: int) -> AlertRule:
    """Only for more instances than the environment begins with: below that the autoscaler has nothing to take away."""
    wanted = (triggers.CPU_LOW, triggers.MEMORY_LOW, triggers.QUEUE_LOW)
    spoilt = (triggers.LATENCY_LOW, triggers.ERRORS_LOW) if workload.public else ()
    idle = "\nand ".join(
        [f"{queries.instances(workload)} > {usual}", *(queries.met(trigger, workload) for trigger in wanted)]
    )
    return AlertRule(
        name="CouldBeSmaller",
        about=workload.name,
        expression=idle + "".join(f"\nunless {queries.unmet(trigger, workload)}" for trigger in spoilt),
        for_seconds=max(trigger.seconds for trigger in (*wanted, *spoilt)),
        severity=Severity.LOW,
        summary=f"{workload.name} runs more instances than its load needs",
        description=f"{{{{ $value }}}} instances run at low CPU, memory and queue length; {usual} would be enough.",
        runbook=runbook("capacity", "CouldBeSmaller"),
    )


def _blind(queries: Queries, workload: Workload) -> AlertRule:
    return AlertRule(
        name="FiguresMissing",
        about=workload.name,
        expression=f"absent({queries.series('memory_usage_bytes', workload)})",
        for_seconds=BLIND_SECONDS,
        severity=Severity.HIGH,
        summary=f"no metrics from {workload.name}",
        description=f"Prometheus has scraped no {workload.name} pod for {BLIND_SECONDS // 60} min; its other alerts "
        "cannot fire.",
        runbook=runbook("figures", "FiguresMissing"),
    )


def _rule(
    queries: Queries,
    name: str,
    workload: Workload,
    trigger: Trigger,
    severity: Severity,
    summary: str,
    description: str,
    page: str,
    beside: str = "",
) -> AlertRule:
    """The alert of one trigger; ``beside`` is a further condition."""
    return AlertRule(
        name=name,
        about=workload.name,
        expression=queries.met(trigger, workload) + beside,
        for_seconds=trigger.seconds,
        severity=severity,
        summary=summary,
        description=description,
        runbook=runbook(page, name),
    )
