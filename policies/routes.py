"""Routes of the Gateway API: what they attach to, and which of their rules answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from policies.pods import object_name
from policies.reading import Properties, at, items, mapping, mappings, number, text
from policies.rule import Resource

GATEWAY: Final = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
HTTP_ROUTE: Final = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
GRPC_ROUTE: Final = "kubernetes:gateway.networking.k8s.io/v1:GRPCRoute"
ROUTES: Final = (HTTP_ROUTE, GRPC_ROUTE)
REDIRECTS: Final = (301, 308)


def rules_of(route: Resource) -> list[Properties]:
    """The rules of a route."""
    return mappings(at(route.properties, "spec", "rules"))


def parents(route: Resource) -> list[Properties]:
    """Gateways that the route attaches to."""
    return mappings(at(route.properties, "spec", "parentRefs"))


def filters(rule: Properties) -> list[Properties]:
    """The filters of a rule and of its backends: both see every answer."""
    of_backends = [one for backend in mappings(rule.get("backendRefs")) for one in mappings(backend.get("filters"))]
    return [*mappings(rule.get("filters")), *of_backends]


def redirects(rule: Properties) -> bool:
    """True if a rule only redirects clients to https, permanently."""
    found = [mapping(one.get("requestRedirect")) for one in mappings(rule.get("filters"))]
    return not items(rule.get("backendRefs")) and any(
        one.get("scheme") == "https" and number(one.get("statusCode")) in REDIRECTS for one in found
    )


def answers(rule: Properties) -> bool:
    """True if a rule answers by itself: by a backend, or by an extension that makes up the answer."""
    kinds = {text(one.get("type")) for one in mappings(rule.get("filters"))}
    return bool(items(rule.get("backendRefs"))) or ("ExtensionRef" in kinds and "RequestRedirect" not in kinds)


def only(rule: Properties, paths: list[str]) -> bool:
    """True if a route's rule is for some of these paths and for nothing else. One that ends in / is all below it."""
    matches = [mapping(one.get("path")) for one in mappings(rule.get("matches"))]
    written = [text(one.get("value")) + ("/" if one.get("type") == "PathPrefix" else "") for one in matches]
    return bool(written) and all(one in paths for one in written)


def listeners(route: Resource, gateways: Sequence[Resource]) -> Iterator[Properties]:
    """The listeners of these gateways to which a route attaches: by name, by port, or to all of a gateway's."""
    own = text(at(route.properties, "metadata", "namespace"))
    for parent in parents(route):
        where = text(parent.get("namespace")) or own
        for gateway in gateways:
            there = text(at(gateway.properties, "metadata", "namespace"))
            same = (gateway.provider, there, object_name(gateway)) == (route.provider, where, text(parent.get("name")))
            for one in mappings(at(gateway.properties, "spec", "listeners")) if same else ():
                section, port = text(parent.get("sectionName")), number(parent.get("port"))
                if section in ("", text(one.get("name"))) and port in (None, number(one.get("port"))):
                    yield one
