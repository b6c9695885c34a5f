"""Routes of the edge: host names, the Services behind them, and their limits (requirements K14, K15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Rate:
    """Request limit of one client.

    per_second: sustained requests a second, over a minute.
    burst: most requests in any one second.
    """

    per_second: int
    burst: int


@dataclass(frozen=True)
class RouteGroup:
    """Paths with the same limits; each group is a route of its own.

    name: part of the route's name.
    paths: paths; one that ends in / stands for all below it.
    timeout: time limit of a request, such as 60s.
    rate: limit by client; None for no limit.
    """

    name: str
    paths: tuple[str, ...]
    timeout: str
    rate: Rate | None


class Affinity(StrEnum):
    """Choice of the instance behind a Service (requirement K16): a client's own, or one for each address."""

    CLIENT = "client"
    URI = "uri"


class Published(StrEnum):
    """Owner of a host's DNS record; only the cluster's DNS controller knows the load balancer's address.

    ``ALONE``: the controller, for this cluster alone. ``NEAREST``: the controllers of all clusters, one record each, of
    which a client gets the nearest that is healthy. ``ELSEWHERE``: no controller; the stack's own records lead to it.
    """

    ALONE = "alone"
    NEAREST = "nearest"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class EdgeHost:
    """Host name of the edge, with the Services behind it.

    name: part of the routes' names.
    host: host name.
    published: owner of its DNS record.
    backends: route groups by the Service that answers them.
    """

    name: str
    host: str
    published: Published
    backends: dict[str, tuple[RouteGroup, ...]]


@dataclass(frozen=True)
class PublicRoutes:
    """Public paths of a product, by the Service of a workload that answers them.

    page: under the domain itself; the page passes its calls on, so that it needs no other origin.
    api: under api.<domain>.
    region: under a region's own name, for other regions and for health checks.
    health: Service that answers the load balancer's and Route 53's health checks.
    administration: under api.<domain>, only with ``contentgen:admin`` networks.
    """

    page: Mapping[str, tuple[RouteGroup, ...]]
    api: Mapping[str, tuple[RouteGroup, ...]]
    region: Mapping[str, tuple[RouteGroup, ...]]
    health: str
    administration: Mapping[str, tuple[RouteGroup, ...]] = field(default_factory=dict)
