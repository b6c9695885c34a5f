"""Envoy proxies behind a Gateway: number, placement, termination (requirements Y01, K20)."""

from __future__ import annotations

from typing import Final

from components.load_balancer import DRAIN_SECONDS, load_balancer_annotations

PROXY_CPU: Final = "100m"
PROXY_MEMORY: Final = "256Mi"
"""Requests of one proxy; Envoy Gateway's own default has a CPU request of 100m and 512Mi (api/v1alpha1)."""
MINIMUM_DRAIN_SECONDS: Final = 15
"""Least time in which a proxy that ends still answers: the load balancer needs it to notice."""


def proxy_spec(instances: int, health_path: str) -> dict[str, object]:
    """The spec of an EnvoyProxy that a Gateway names in ``infrastructure.parametersRef``.

    instances: proxies a region; the default is one (api/v1alpha1/shared_types.go, DefaultDeploymentReplicas).
    health_path: path that the load balancer asks of every proxy.
    """
    spread = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/component": "proxy"}},
    }
    kubernetes: dict[str, object] = {
        "envoyService": {"annotations": load_balancer_annotations(health_path)},
        "envoyDeployment": {
            "replicas": instances,
            "pod": {"topologySpreadConstraints": [spread]},
            "container": {"resources": {"requests": {"cpu": PROXY_CPU, "memory": PROXY_MEMORY}}},
        },
    }
    if instances > 1:
        kubernetes["envoyPDB"] = {"minAvailable": instances - 1}
    return {
        "provider": {"type": "Kubernetes", "kubernetes": kubernetes},
        "shutdown": {"drainTimeout": f"{DRAIN_SECONDS}s", "minDrainDuration": f"{MINIMUM_DRAIN_SECONDS}s"},
    }
