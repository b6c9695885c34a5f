"""Makers of the edge and its names."""

from __future__ import annotations

from collections.abc import Callable

from components.certificate import Certificate, CertificateArgs
from components.edge import Edge, EdgeArgs
from components.edge_ingress import IngressEdge
from components.routing import HealthCheck, Routing, RoutingArgs
from infra.catalog.regions import REGIONS
from stacks.networking.dns_routing import edge_name, routing_table
from stacks.specs.route import Affinity, EdgeHost, Published, Rate, RouteGroup
from tests.unit.makers import REGION


def routing(name: str) -> Routing:
    domain = f"{name}.example.com"
    edges = {region.code: edge_name(region, domain) for region in REGIONS}
    table, health = routing_table(REGIONS, domain), HealthCheck("/ready", 30, 3)
    return Routing(name, RoutingArgs(domain, edges, table, health, 60, protected=True))


def edge_args(name: str, *, sticky: bool = False) -> EdgeArgs:
    group = RouteGroup("all", ("/", "/api/"), "60s", Rate(10, 20))
    return EdgeArgs(
        namespace="shared",
        product="product",
        gateway_class="class",
        region=REGION,
        certificate="certificate",
        hosts=(EdgeHost("api", "api.example.com", Published.ELSEWHERE, {"cpm": (group,)}),),
        backend_port=80,
        headers={"X-A": "1"},
        health_backend="cpm",
        instances=2,
        affinity={"cpm": Affinity.CLIENT} if sticky else {},
        gateway=name,
        prefix=f"{name}-",
    )


def certificate(name: str) -> Certificate:
    names, issuer = ("api.example.com",), ("cert-manager", "cert-manager")
    zone, writes = ("example.com", "zone", REGION), f"{name}-issuer"
    args = CertificateArgs(
        "shared", "product", names, *zone, "role", writes, issuer, "a@example.com", name, authority=f"{name}-acme"
    )
    return Certificate(name, args)


MAKERS: dict[str, Callable[[str], object]] = {
    "certificate": certificate,
    "edge": lambda name: Edge(name, edge_args(name)),
    "edge by ingress": lambda name: IngressEdge(name, edge_args(name)),
    "routing": routing,
}
TOKENS = {
    "Certificate": "contentgen:edge:Certificate",
    "Edge": "contentgen:edge:Edge",
    "IngressEdge": "contentgen:edge:IngressEdge",
    "Routing": "contentgen:edge:Routing",
}
