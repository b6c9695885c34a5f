"""BackendTrafficPolicy of Envoy Gateway for one route: limits by client, body size, time limits, compression,
stickiness (requirements K14, K15, K16, K20). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from stacks.specs.route import Affinity, Rate

BODY_LIMIT: Final = "10Mi"
CONNECT_TIMEOUT: Final = "60s"
KEPT_SECONDS: Final = 60
"""Time for which an idle connection to an instance is kept for the next request: less than the application's own 75 s,
which would else close one at the moment it is used again. Envoy's default is an hour.
"""
KEEPALIVE: Final = MappingProxyType({"idleTime": f"{KEPT_SECONDS}s", "interval": "15s", "probes": 3})
"""Probes on a silent connection, such as a WebSocket's: one whose instance is gone is noticed after 105 s."""
SECONDS_A_MINUTE: Final = 60
EVERYWHERE: Final = "0.0.0.0/0"
STICKY_COOKIE: Final = "contentgen-instance"
STICKY_LIFETIME: Final = "1h"
URI_HEADER: Final = ":path"
"""Pseudo-header with path and query, which nginx calls ``$request_uri``; Envoy hashes it as any header (Envoy API,
RouteAction.HashPolicy.Header)."""

_HASHES: Final = MappingProxyType(
    {
        Affinity.CLIENT: {"type": "Cookie", "cookie": {"name": STICKY_COOKIE, "ttl": STICKY_LIFETIME}},
        Affinity.URI: {"type": "Header", "header": {"name": URI_HEADER}},
    }
)


@dataclass(frozen=True)
class RouteTraffic:
    """Traffic limits of one route.

    route: name of the HTTPRoute.
    timeout: time limit of a request, such as 60s.
    rate: limit by client; None for no limit.
    affinity: choice of the instance (K16); None for any.
    buffered: measure a body before it is passed on, which a stream or a WebSocket cannot be.
    """

    route: str
    timeout: str
    rate: Rate | None
    affinity: Affinity | None
    buffered: bool


def backend_traffic_policy(traffic: RouteTraffic) -> dict[str, object]:
    """The spec of a BackendTrafficPolicy."""
    spec: dict[str, object] = {
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": traffic.route}],
        "timeout": {
            "tcp": {"connectTimeout": CONNECT_TIMEOUT},
            "http": {"requestTimeout": traffic.timeout, "connectionIdleTimeout": f"{KEPT_SECONDS}s"},
        },
        "tcpKeepalive": dict(KEEPALIVE),
        "compression": [{"type": "Brotli"}, {"type": "Gzip"}],
    }
    if traffic.buffered:
        spec["requestBuffer"] = {"limit": BODY_LIMIT}
    if traffic.rate is not None:
        spec["rateLimit"] = {"local": {"rules": _rules(traffic.rate)}}
    if traffic.affinity is not None:
        spec["loadBalancer"] = {"type": "ConsistentHash", "consistentHash": _HASHES[traffic.affinity]}
    return spec


def _rules(rate: Rate) -> list[dict[str, object]]:
    """Two windows say what one bucket with a burst would: Envoy Gateway's limit has no burst of its own."""
    return [
        _rule(rate.burst, "Second"),
        _rule(rate.per_second * SECONDS_A_MINUTE, "Minute"),
    ]


def _rule(requests: int, unit: str) -> dict[str, object]:
    each_client = {"sourceCIDR": {"type": "Distinct", "value": EVERYWHERE}}
    return {"clientSelectors": [each_client], "limit": {"requests": requests, "unit": unit}}
