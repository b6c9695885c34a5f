"""The public edge of a region by the Gateway API: a Gateway that ends TLS, and routes that set the security headers on
every answer (requirements K14, K15, K16, K20, Y01).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import pulumi
from pulumi_kubernetes import meta
from pulumi_kubernetes.apiextensions import CustomResource

from components.envoy_proxy import proxy_spec
from components.labels import metadata
from components.traffic_limits import RouteTraffic, backend_traffic_policy
from stacks.specs.network import HTTPS_PORT
from stacks.specs.paths import ALIVE_PATH
from stacks.specs.route import Affinity, EdgeHost, Published, RouteGroup

API: Final = "gateway.networking.k8s.io/v1"
POLICY_API: Final = "gateway.envoyproxy.io/v1alpha1"
COMPONENT: Final = "edge"
DNS_CONTROLLERS: Final = ("external-dns.kubernetes.io", "external-dns.alpha.kubernetes.io")
"""Prefixes of external-dns' annotations: version 0.22 reads the first alone, earlier ones the second alone."""
GATEWAY: Final = "edge"
PLAIN: Final = "http"
HTTP_PORT: Final = 80
TLS_MINIMUM: Final = "1.2"
CIPHERS: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
)
"""Cipher suites of TLS 1.2; TLS 1.3 has its own and all of them are good."""
LONG_READ: Final = "300s"
"""Longest pause of a request or an answer, and longest time for a request's arrival."""
CLIENT_ADDRESS: Final = MappingProxyType({"name": "X-Real-IP", "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"})
"""Header with the address that a connection came from, whatever a client says of itself: the network load balancer
keeps client addresses, and nothing else stands before the gateway (Envoy, "Substitution formatting").
"""
TALKATIVE_HEADERS: Final = ("Server", "X-Powered-By")
"""Headers that disclose the software behind the edge; they are removed from every response."""


@dataclass(frozen=True)
class EdgeArgs:
    """Arguments of Edge.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    gateway_class: GatewayClass of the cluster's Envoy Gateway.
    region: AWS region of the cluster.
    certificate: Secret with the TLS certificate.
    hosts: host names to serve.
    backend_port: port of the Services.
    headers: response headers of every route.
    health_backend: Service that answers the load balancer's health check.
    instances: number of Envoy proxies.
    affinity: choice of the instance by Service (K16); any for a Service that is not in it.
    gateway: name of the Gateway, its proxies and its policy for clients.
    prefix: begin of the routes' names, so that two edges of one namespace have none in common.
    """

    namespace: str
    product: str
    gateway_class: str
    region: str
    certificate: str
    hosts: tuple[EdgeHost, ...]
    backend_port: int
    headers: dict[str, str]
    health_backend: str
    instances: int
    affinity: Mapping[str, Affinity] = field(default_factory=lambda: MappingProxyType({}))
    gateway: str = GATEWAY
    prefix: str = ""


HEALTH_GROUP: Final = RouteGroup("target-health", (ALIVE_PATH,), timeout="10s", rate=None)
"""Route of the load balancer's health check, by address and without TLS: through the gateway to an instance."""


class Edge(pulumi.ComponentResource):
    """Gateway, its policy for clients, the redirect from HTTP, and a route with its limits for each group of paths."""

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:edge:Edge", name, None, opts)
        proxy = CustomResource(
            f"{name}-proxy",
            api_version=POLICY_API,
            kind="EnvoyProxy",
            metadata=_named(args.gateway, args),
            spec=proxy_spec(args.instances, ALIVE_PATH),
            opts=pulumi.ResourceOptions(parent=self),
        )
        gateway = CustomResource(
            f"{name}-gateway",
            api_version=API,
            kind="Gateway",
            metadata=_named(args.gateway, args),
            spec={
                "gatewayClassName": args.gateway_class,
                "infrastructure": {
                    "parametersRef": {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": args.gateway}
                },
                "listeners": [
                    {"name": PLAIN, "protocol": "HTTP", "port": HTTP_PORT},
                    *(_listener(host, args.certificate) for host in args.hosts),
                ],
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[proxy]),
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[gateway])
        CustomResource(
            f"{name}-clients",
            api_version=POLICY_API,
            kind="ClientTrafficPolicy",
            metadata=_named(args.gateway, args),
            spec=client_traffic_policy(args.gateway),
            opts=after,
        )
        CustomResource(
            f"{name}-redirect",
            api_version=API,
            kind="HTTPRoute",
            metadata=_named(f"{args.prefix}redirect-to-https", args, dns_annotations(Published.ELSEWHERE, args.region)),
            spec={
                "parentRefs": [{"name": args.gateway, "sectionName": PLAIN}],
                "hostnames": [host.host for host in args.hosts],
                "rules": [{"filters": [_redirect()]}],
            },
            opts=after,
        )
        CustomResource(
            f"{name}-target-health",
            api_version=API,
            kind="HTTPRoute",
            metadata=_named(f"{args.prefix}target-health", args, dns_annotations(Published.ELSEWHERE, args.region)),
            spec={
                "parentRefs": [{"name": args.gateway, "sectionName": PLAIN}],
                "rules": [_rule(args.health_backend, HEALTH_GROUP, args)],
            },
            opts=after,
        )
        for route in _routes(args):
            _declare(name, route, args, after)
        self.register_outputs({"hosts": [host.host for host in args.hosts]})


@dataclass(frozen=True)
class _Route:
    """Route of one group under one host name.

    name: object name.
    host: host name.
    backend: Service.
    group: paths and their limits.
    """

    name: str
    host: EdgeHost
    backend: str
    group: RouteGroup


def _routes(args: EdgeArgs) -> Iterator[_Route]:
    for host in args.hosts:
        for backend, groups in host.backends.items():
            for group in groups:
                yield _Route(f"{host.name}-{group.name}", host, backend, group)


def _declare(name: str, route: _Route, args: EdgeArgs, after: pulumi.ResourceOptions) -> None:
    declared = CustomResource(
        f"{name}-{route.name}",
        api_version=API,
        kind="HTTPRoute",
        metadata=_named(f"{args.prefix}{route.name}", args, dns_annotations(route.host.published, args.region)),
        spec={
            "parentRefs": [{"name": args.gateway, "sectionName": f"https-{route.host.name}"}],
            "hostnames": [route.host.host],
            "rules": [_rule(route.backend, route.group, args)],
        },
        opts=after,
    )
    traffic = RouteTraffic(
        route=f"{args.prefix}{route.name}",
        timeout=route.group.timeout,
        rate=route.group.rate,
        affinity=args.affinity.get(route.backend),
        buffered=route.group.name != "live",
    )
    CustomResource(
        f"{name}-{route.name}-limits",
        api_version=POLICY_API,
        kind="BackendTrafficPolicy",
        metadata=_named(f"{args.prefix}{route.name}", args),
        spec=backend_traffic_policy(traffic),
        opts=pulumi.ResourceOptions.merge(after, pulumi.ResourceOptions(depends_on=[declared])),
    )


def client_traffic_policy(gateway: str) -> dict[str, object]:
    """Envoy client policy: TLS versions, request timeouts, addresses of clients, a request id on everything.

    There is no ``clientIPDetection``. Without it Envoy takes the connection's address, appends it to X-Forwarded-For
    and sets X-Forwarded-Proto. With ``numTrustedHops: 0`` Envoy Gateway would have it believe the last address that the
    client itself put into X-Forwarded-For (v1.6.0, internal/xds/translator/listener.go), so that a client that sends
    another one with every request would be under no limit by client.
    """
    return {
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway}],
        "tls": {"minVersion": TLS_MINIMUM, "ciphers": list(CIPHERS), "alpnProtocols": ["h2", "http/1.1"]},
        "timeout": {"http": {"requestReceivedTimeout": LONG_READ, "streamIdleTimeout": LONG_READ}},
        "headers": {"requestID": "PreserveOrGenerate", "earlyRequestHeaders": {"set": [dict(CLIENT_ADDRESS)]}},
    }


def dns_annotations(published: Published, region: str) -> dict[str, str]:
    """Annotations for external-dns, which reads the host names of every route."""
    match published:
        case Published.ALONE:
            return {}
        case Published.NEAREST:
            return {f"{one}/{key}": region for one in DNS_CONTROLLERS for key in ("set-identifier", "aws-region")}
        case Published.ELSEWHERE:
            return {f"{one}/controller": "none" for one in DNS_CONTROLLERS}


def _named(name: str, args: EdgeArgs, own: dict[str, str] | None = None) -> meta.v1.ObjectMetaArgs:
    return metadata(COMPONENT, args.product, args.namespace, name, own)


def _listener(host: EdgeHost, certificate: str) -> dict[str, object]:
    tls = {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": certificate}]}
    return {"name": f"https-{host.name}", "protocol": "HTTPS", "port": HTTPS_PORT, "hostname": host.host, "tls": tls}


def _redirect() -> dict[str, object]:
    return {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}


def _rule(backend: str, group: RouteGroup, args: EdgeArgs) -> dict[str, object]:
    headers = [{"name": name, "value": value} for name, value in sorted(args.headers.items())]
    return {
        "matches": [{"path": _match(path)} for path in group.paths],
        "filters": [
            {
                "type": "ResponseHeaderModifier",
                "responseHeaderModifier": {"set": headers, "remove": list(TALKATIVE_HEADERS)},
            }
        ],
        "timeouts": {"request": group.timeout, "backendRequest": group.timeout},
        "backendRefs": [{"name": backend, "port": args.backend_port}],
    }


def _match(path: str) -> dict[str, str]:
    if path != "/" and path.endswith("/"):
        return {"type": "PathPrefix", "value": path.rstrip("/")}
    return {"type": "Exact", "value": path}
