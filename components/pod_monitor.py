"""PodMonitor of prometheus-operator: the pods to scrape, without which no alert rule has data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.alert_rules import API
from components.labels import metadata
from stacks.specs.paths import METRICS_PATH

COMPONENT: Final = "metrics"
NAME: Final = "app.kubernetes.io/name"
INTERVAL_SECONDS: Final = 30


@dataclass(frozen=True)
class PodMonitorArgs:
    """Arguments of PodMonitor.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    components: workloads whose pods serve /metrics.
    ports: names of the pods' ports with metrics.
    labels: labels by which the cluster's Prometheus selects monitors.
    name: name of the object.
    """

    namespace: str
    product: str
    components: tuple[str, ...]
    ports: tuple[str, ...]
    labels: Mapping[str, str]
    name: str = COMPONENT


class PodMonitor(pulumi.ComponentResource):
    """The pods' own labels win over Prometheus' (``honorLabels``): both have one called endpoint, and the rules mean
    the service's.
    """

    def __init__(self, name: str, args: PodMonitorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:observability:PodMonitor", name, None, opts)
        CustomResource(
            f"{name}-monitor",
            api_version=API,
            kind="PodMonitor",
            metadata=metadata(COMPONENT, args.product, args.namespace, args.name, extra_labels=dict(args.labels)),
            spec={
                "selector": {"matchExpressions": [{"key": NAME, "operator": "In", "values": list(args.components)}]},
                "podTargetLabels": [NAME],
                "podMetricsEndpoints": [
                    {
                        "port": port,
                        "path": METRICS_PATH,
                        "interval": f"{INTERVAL_SECONDS}s",
                        "honorLabels": True,
                    }
                    for port in args.ports
                ],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
