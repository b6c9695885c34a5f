"""The alert rules of a region, as prometheus-operator takes them (requirement K19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.labels import metadata
from stacks.specs.alert import AlertRule

API: Final = "monitoring.coreos.com/v1"
COMPONENT: Final = "alerts"
EVALUATED_SECONDS: Final = 30
"""Interval of rule evaluation (O09); pods are scraped as often."""


@dataclass(frozen=True)
class AlertRulesArgs:
    """Arguments of AlertRules.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    groups: rules by the name of their group.
    labels: labels by which the cluster's Prometheus selects rules.
    name: name of the object.
    """

    namespace: str
    product: str
    groups: Mapping[str, tuple[AlertRule, ...]]
    labels: Mapping[str, str]
    name: str = COMPONENT


class AlertRules(pulumi.ComponentResource):
    """One PrometheusRule with all of them, so that a Prometheus has either the rules of one release or of another."""

    def __init__(self, name: str, args: AlertRulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:observability:AlertRules", name, None, opts)
        CustomResource(
            f"{name}-rules",
            api_version=API,
            kind="PrometheusRule",
            metadata=metadata(COMPONENT, args.product, args.namespace, args.name, extra_labels=dict(args.labels)),
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
