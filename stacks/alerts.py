"""Alerts of a stack, computed from the scale triggers and from each workload's maximum (K19). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from components.alert_rules import AlertRule, Severity
from infra.settings import StackSettings
from stacks import triggers
from stacks.content_alerts import content_alerts
from stacks.figures import instances, met, series, unmet
from stacks.products.content_generation import content_generation
from stacks.profile import PROFILES, resolve
from stacks.runbooks import runbook
from stacks.store_alerts import store_alerts
from stacks.triggers import Trigger
from stacks.upkeep_alerts import upkeep_alerts
from stacks.workload import WorkloadSpec

BLIND_SECONDS: Final = 300
"""Two restarts take less."""


def alert_groups(settings: StackSettings) -> Mapping[str, tuple[AlertRule, ...]]:
    """Every rule of a region, by group; the same in every region of the stack."""
    profile = resolve(settings)
    workloads = content_generation(profile)
    usual = {name: size.minimum for name, size in PROFILES[settings.environment].services.items()}
    return {
        "answers": tuple(rule for one in workloads if one.public for rule in _answers(one)),
        "capacity": tuple(rule for one in workloads for rule in _capacity(one, usual[one.name])),
        "figures": tuple(_blind(one) for one in workloads),
        "content": tuple(content_alerts(workloads, profile.monthly_usd // len(settings.regions))),
        "upkeep": tuple(upkeep_alerts(workloads)),
        **({"stores": stores} if (stores := tuple(store_alerts(profile))) else {}),
    }


def _answers(workload: WorkloadSpec) -> Iterator[AlertRule]:
    """Alerts on latency and errors as clients see them. A workload that is not public answers other services, which
    wait and retry.
    """
    name = workload.name
    seconds = "The 95th percentile of the response time is {{ $value | humanizeDuration }}."
    yield _rule(
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
        yield _rule(title, workload, trigger, severity, summary, seconds, "answers")


def _capacity(workload: WorkloadSpec, usual: int) -> Iterator[AlertRule]:
    """Alerts on an autoscaler at its maximum, and on more instances than are needed."""
    if workload.queue is not None:
        yield _queue(workload)
        return
    full = f"\nand {instances(workload)} >= {workload.size.maximum}"
    for title, what, trigger in (
        ("CpuAtMaximum", "CPU", triggers.CPU_HELD),
        ("MemoryAtMaximum", "memory", triggers.MEMORY_HELD),
    ):
        yield _rule(
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
    yield _could_be_smaller(workload, usual)


def _queue(workload: WorkloadSpec) -> AlertRule:
    trigger = triggers.QUEUE_HELD
    return _rule(
        "QueueLong",
        workload,
        trigger,
        Severity.WARNING,
        f"more than {trigger.threshold:g} jobs wait for {workload.name}",
        f"{{{{ $value }}}} jobs wait in the queue; the maximum is {workload.size.maximum} instances.",
        "capacity",
    )


def _could_be_smaller(workload: WorkloadSpec, usual: int) -> AlertRule:
    """Only for more instances than the environment begins with: below that the autoscaler has nothing to take away."""
    wanted = (triggers.CPU_LOW, triggers.MEMORY_LOW, triggers.QUEUE_LOW)
    spoilt = (triggers.LATENCY_LOW, triggers.ERRORS_LOW) if workload.public else ()
    idle = "\nand ".join([f"{instances(workload)} > {usual}", *(met(trigger, workload) for trigger in wanted)])
    return AlertRule(
        name="CouldBeSmaller",
        about=workload.name,
        expression=idle + "".join(f"\nunless {unmet(trigger, workload)}" for trigger in spoilt),
        for_seconds=max(trigger.seconds for trigger in (*wanted, *spoilt)),
        severity=Severity.LOW,
        summary=f"{workload.name} runs more instances than its load needs",
        description=f"{{{{ $value }}}} instances run at low CPU, memory and queue length; {usual} would be enough.",
        runbook=runbook("capacity", "CouldBeSmaller"),
    )


def _blind(workload: WorkloadSpec) -> AlertRule:
    return AlertRule(
        name="FiguresMissing",
        about=workload.name,
        expression=f"absent({series('memory_usage_bytes', workload)})",
        for_seconds=BLIND_SECONDS,
        severity=Severity.HIGH,
        summary=f"no metrics from {workload.name}",
        description=f"Prometheus has scraped no {workload.name} pod for {BLIND_SECONDS // 60} min; its other alerts "
        "cannot fire.",
        runbook=runbook("figures", "FiguresMissing"),
    )


def _rule(
    name: str,
    workload: WorkloadSpec,
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
        expression=met(trigger, workload) + beside,
        for_seconds=trigger.seconds,
        severity=severity,
        summary=summary,
        description=description,
        runbook=runbook(page, name),
    )
