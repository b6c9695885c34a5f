"""The alert rules of a region, as prometheus-operator takes them (requirement K19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.labels import metadata

API: Final = "monitoring.coreos.com/v1"
COMPONENT: Final = "alerts"
EVALUATED_SECONDS: Final = 30
"""Interval of rule evaluation (O09); pods are scraped as often."""


class Severity(StrEnum):
    """Urgency of an alert, most urgent first: at once, within the hour, today, when there is time."""

    CRITICAL = "critical"
    HIGH = "high"
    WARNING = "warning"
    LOW = "low"


@dataclass(frozen=True)
class AlertRule:
    """Prometheus alert rule.

    name: alert name, CamelCase.
    about: workload or store that the alert is about.
    expression: PromQL that returns a sample while the condition is true.
    for_seconds: time that the condition must hold before the alert fires.
    severity: urgency, as a label of the alert.
    summary: one line.
    description: the problem, and the first place to look.
    runbook: page with the steps to take, with its heading.
    """

    name: str
    about: str
    expression: str
    for_seconds: int
    severity: Severity
    summary: str
    description: str
    runbook: str


@dataclass(frozen=True)
class AlertRulesArgs:
    """Arguments of AlertRules.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    groups: rules by the name of their group.
    labels: labels by which the cluster's Prometheus selects rules.
    """

    namespace: str
    product: str
    groups: Mapping[str, tuple[AlertRule, ...]]
    labels: Mapping[str, str]


class AlertRules(pulumi.ComponentResource):
    """One PrometheusRule with all of them, so that a Prometheus has either the rules of one release or of another."""

    def __init__(self, name: str, args: AlertRulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:observability:AlertRules", name, None, opts)
        CustomResource(
            f"{name}-rules",
            api_version=API,
            kind="PrometheusRule",
            metadata=metadata(COMPONENT, args.product, args.namespace, COMPONENT, extra_labels=dict(args.labels)),
            spec=rendered(args.groups),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def rendered(groups: Mapping[str, tuple[AlertRule, ...]]) -> dict[str, object]:
    """The object's spec, which is at the same time the content of a rule file of Prometheus."""
    evaluated = f"{EVALUATED_SECONDS}s"
    return {
        "groups": [
            {"name": name, "interval": evaluated, "rules": [_rule(rule) for rule in rules]}
            for name, rules in groups.items()
        ]
    }


def _rule(rule: AlertRule) -> dict[str, object]:
    return {
        "alert": rule.name,
        "expr": rule.expression,
        "for": f"{rule.for_seconds}s",
        "labels": {"severity": rule.severity.value, "service": rule.about},
        "annotations": {"summary": rule.summary, "description": rule.description, "runbook": rule.runbook},
    }
