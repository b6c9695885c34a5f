"""Alerts of video-gateway: those of every product with a queue, and the GPU's next size (K13). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from infra.catalog.sizes import GPU_LADDER, one_up
from infra.settings.stack import NAMESPACE
from stacks.monitoring import content_alerts
from stacks.monitoring.alert_context import AlertContext
from stacks.monitoring.promql import Queries
from stacks.monitoring.runbooks import runbook
from stacks.specs import scale_triggers as triggers
from stacks.specs.alert import AlertRule, Severity
from stacks.specs.workload import Workload


def alerts(context: AlertContext) -> Mapping[str, tuple[AlertRule, ...]]:
    """Every rule of a region, by group."""
    return {**content_alerts.alerts(context), "gpu": tuple(_next_sizes(context))}


def _next_sizes(context: AlertContext) -> Iterator[AlertRule]:
    for workload in context.workloads:
        size = workload.size.gpu
        larger = None if size is None else one_up(GPU_LADDER, size)
        if size is not None and larger is not None:
            yield _next_size(context.queries, workload, f"from {size} to {larger}")


def _next_size(queries: Queries, workload: Workload, step: str) -> AlertRule:
    """More than the target with every instance at work: only larger ones help."""
    percent = triggers.CPU_TARGET.threshold
    full = f"\nand {queries.instances(workload)} >= {workload.size.maximum}"
    return AlertRule(
        name="GpuInstanceTooSmall",
        about=workload.name,
        expression=queries.met(triggers.CPU_TARGET, workload) + full,
        for_seconds=triggers.CPU_TARGET.seconds,
        severity=Severity.WARNING,
        summary=f"{workload.name} uses more than {percent:g} % of its CPU with every instance running",
        description=f"{{{{ $value | humanize }}}} % of an instance's CPU request is in use; set "
        f"{NAMESPACE}:services.{workload.name}.gpu {step}.",
        runbook=runbook("video-gateway", "GpuInstanceTooSmall"),
    )
