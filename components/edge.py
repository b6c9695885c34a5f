"""The public edge of a region: a Gateway that ends TLS, and routes that set the security headers on every answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes import meta
from pulumi_kubernetes.apiextensions import CustomResource

from components.labels import metadata

API: Final = "gateway.networking.k8s.io/v1"
COMPONENT: Final = "edge"
GATEWAY: Final = "edge"
HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443


@dataclass(frozen=True)
class RouteRule:
    """Paths that share a backend's time limits. A path ending in ``/`` stands for everything below it."""

    paths: tuple[str, ...]
    request_timeout: str
    backend_timeout: str


@dataclass(frozen=True)
class EdgeArgs:
    """``backend`` is the Service that answers; ``headers`` go on every answer of every rule."""

    namespace: str
    product: str
    gateway_class: str
    host: str
    published_name: str
    backend: str
    backend_port: int
    headers: dict[str, str]
    rules: tuple[RouteRule, ...]


class Edge(pulumi.ComponentResource):
    """Gateway, the redirect from HTTP, and the HTTPRoute of the API (requirements K14, Y01)."""

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:edge:Edge", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        gateway = CustomResource(
            f"{name}-gateway",
            api_version=API,
            kind="Gateway",
            metadata=metadata(
                COMPONENT,
                args.product,
                args.namespace,
                GATEWAY,
                {"external-dns.alpha.kubernetes.io/hostname": args.published_name},
            ),
            spec={
                "gatewayClassName": args.gateway_class,
                "listeners": [_http_listener(args.host), _https_listener(args.host)],
            },
            opts=child,
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[gateway])
        CustomResource(
            f"{name}-redirect",
            api_version=API,
            kind="HTTPRoute",
            metadata=_named("redirect-to-https", args),
            spec={
                "parentRefs": [{"name": GATEWAY, "sectionName": "http"}],
                "hostnames": [args.host],
                "rules": [{"filters": [_redirect()]}],
            },
            opts=after,
        )
        CustomResource(
            f"{name}-api",
            api_version=API,
            kind="HTTPRoute",
            metadata=_named("api", args),
            spec={
                "parentRefs": [{"name": GATEWAY, "sectionName": "https"}],
                "hostnames": [args.host],
                "rules": [_rule(rule, args) for rule in args.rules],
            },
            opts=after,
        )
        self.register_outputs({"host": args.host})


def _named(name: str, args: EdgeArgs) -> meta.v1.ObjectMetaArgs:
    return metadata(COMPONENT, args.product, args.namespace, name)


def _http_listener(host: str) -> dict[str, object]:
    return {"name": "http", "protocol": "HTTP", "port": HTTP_PORT, "hostname": host}


def _https_listener(host: str) -> dict[str, object]:
    tls = {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "edge-certificate"}]}
    return {"name": "https", "protocol": "HTTPS", "port": HTTPS_PORT, "hostname": host, "tls": tls}


def _redirect() -> dict[str, object]:
    return {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}


def _rule(rule: RouteRule, args: EdgeArgs) -> dict[str, object]:
    headers = [{"name": name, "value": value} for name, value in sorted(args.headers.items())]
    modifier = {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": headers}}
    return {
        "matches": [{"path": _path(path)} for path in rule.paths],
        "filters": [modifier],
        "timeouts": {"request": rule.request_timeout, "backendRequest": rule.backend_timeout},
        "backendRefs": [{"name": args.backend, "port": args.backend_port}],
    }


def _path(path: str) -> dict[str, str]:
    if path != "/" and path.endswith("/"):
        return {"type": "PathPrefix", "value": path.rstrip("/")}
    return {"type": "Exact", "value": path}
