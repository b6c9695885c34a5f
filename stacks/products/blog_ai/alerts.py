"""Alerts of blog-ai: those of every product that writes texts, and payments that fail (O10). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stacks.monitoring import content_alerts
from stacks.monitoring.alert_context import AlertContext
from stacks.monitoring.promql import Queries
from stacks.monitoring.runbooks import runbook
from stacks.specs.alert import AlertRule, Severity
from stacks.specs.workload import Workload

FAILURES_WINDOW: Final = "15m"


def alerts(context: AlertContext) -> Mapping[str, tuple[AlertRule, ...]]:
    """Every rule of a region, by group."""
    payments = tuple(_payments(context.queries, one) for one in context.workloads if one.takes_payments)
    return {**content_alerts.alerts(context), "payments": payments}


def _payments(queries: Queries, workload: Workload) -> AlertRule:
    failures = queries.series("stripe_payment_failures_total", workload)
    return AlertRule(
        name="PaymentsFail",
        about=workload.name,
        expression=f"sum by (namespace) (increase({failures}[{FAILURES_WINDOW}])) > 0",
        for_seconds=0,
        severity=Severity.CRITICAL,
        summary="Stripe reports payments that failed",
        description=f"{{{{ $value | humanize }}}} payments failed within {FAILURES_WINDOW}.",
        runbook=runbook("blog-ai", "PaymentsFail"),
    )
