"""The public edge of the compliant stack: a gateway, the redirect to TLS, the API's route, limits on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from policies.examples.base import in_cluster
from policies.reading import Value
from policies.rule import Resource

API: Final = "gateway.networking.k8s.io/v1"
HEADERS: Final[Mapping[str, str]] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Content-Security-Policy": (
        "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
_MODIFIER: Final[Mapping[str, Value]] = {
    "type": "ResponseHeaderModifier",
    "responseHeaderModifier": {
        "set": [{"name": name, "value": value} for name, value in HEADERS.items()],
        "remove": ["Server", "X-Powered-By"],
    },
}

EXAMPLES: Final[Mapping[str, Resource]] = {
    "gateway": in_cluster(
        f"{API}:Gateway",
        "edge",
        {
            "spec": {
                "gatewayClassName": "envoy-gateway",
                "listeners": [
                    {"name": "http", "protocol": "HTTP", "port": 80},
                    {
                        "name": "https",
                        "protocol": "HTTPS",
                        "port": 443,
                        "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "edge"}]},
                    },
                ],
            }
        },
    ),
    "redirect": in_cluster(
        f"{API}:HTTPRoute",
        "redirect",
        {
            "spec": {
                "parentRefs": [{"name": "edge", "sectionName": "http"}],
                "rules": [
                    {
                        "filters": [
                            {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
                        ]
                    }
                ],
            }
        },
    ),
    "route": in_cluster(
        f"{API}:HTTPRoute",
        "api",
        {
            "spec": {
                "parentRefs": [{"name": "edge", "sectionName": "https"}],
                "rules": [{"filters": [_MODIFIER], "backendRefs": [{"name": "cpm", "port": 80}]}],
            }
        },
    ),
    "client limits": in_cluster(
        "gateway.envoyproxy.io/v1alpha1:ClientTrafficPolicy",
        "edge",
        {
            "spec": {
                "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}],
                "tls": {"minVersion": "1.2"},
            }
        },
        "edge-clients",
    ),
    "rate limits": in_cluster(
        "gateway.envoyproxy.io/v1alpha1:BackendTrafficPolicy",
        "edge",
        {
            "spec": {
                "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "api"}],
                "rateLimit": {
                    "type": "Local",
                    "local": {"rules": [{"limit": {"requests": 100, "unit": "Minute"}}]},
                },
            }
        },
        "edge-limits",
    ),
    "ingress": in_cluster("networking.k8s.io/v1:Ingress", "admin", {"spec": {"ingressClassName": "alb", "rules": []}}),
}
