"""Envoy proxies behind a Gateway: number, placement, termination, access log (requirements Y01, K20)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from components.load_balancer import DRAIN_SECONDS, load_balancer_annotations

PROXY_CPU: Final = "100m"
PROXY_MEMORY: Final = "256Mi"
"""Requests of one proxy; Envoy Gateway's own default has a CPU request of 100m and 512Mi (api/v1alpha1)."""
MINIMUM_DRAIN_SECONDS: Final = 15
"""Least time in which a proxy that ends still answers: the load balancer needs it to notice."""
ACCESS_LOG: Final = MappingProxyType(
    {
        "timestamp": "%START_TIME%",
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "real_ip": "%REQ(X-REAL-IP)%",
        "forwarded_for": "%REQ(X-FORWARDED-FOR)%",
        "forwarded_proto": "%REQ(X-FORWARDED-PROTO)%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "host": "%REQ(:AUTHORITY)%",
        "method": "%REQ(:METHOD)%",
        "route": "%ROUTE_NAME%",
        "protocol": "%PROTOCOL%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "bytes_received": "%BYTES_RECEIVED%",
        "bytes_sent": "%BYTES_SENT%",
        "duration_ms": "%DURATION%",
        "upstream": "%UPSTREAM_HOST%",
        "user_agent": "%REQ(USER-AGENT)%",
    }
)
"""Fields of a line of the access log, by Envoy's command operators. Paths are not among them: that of a signed file is
as good as a key to it. The route and the request id lead to the application's own line.
"""


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
        "telemetry": {
            "accessLog": {
                "settings": [
                    {
                        "format": {"type": "JSON", "json": dict(ACCESS_LOG)},
                        "sinks": [{"type": "File", "file": {"path": "/dev/stdout"}}],
                    }
                ]
            }
        },
        "shutdown": {"drainTimeout": f"{DRAIN_SECONDS}s", "minDrainDuration": f"{MINIMUM_DRAIN_SECONDS}s"},
    }
