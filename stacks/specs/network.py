"""Peers of a workload, as its network policy takes them (requirement K11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stacks.specs.paths import ALIVE_PATH, READY_PATH

HTTPS_PORT: Final = 443


@dataclass(frozen=True)
class NamedPort:
    """Port of a workload's pods.

    name: its name, by which Services and probes refer to it.
    number: TCP port that the process listens on.
    """

    name: str
    number: int


HTTP: Final = "http"
BACKEND: Final = "backend"
FRONTEND: Final = "frontend"
"""Names of ports: of a workload's only one, or of an API and a page in one image (requirement K01)."""

SERVICE_PORT: Final = 80
"""Port of every workload's Service (requirement K01)."""


@dataclass(frozen=True)
class Peer:
    """Other side of an allowed connection: one of component, namespace and cidr.

    port: TCP port.
    component: component of the own namespace.
    namespace: other namespace, whole.
    cidr: address block; the whole internet excludes EC2's metadata address.
    """

    port: int
    component: str | None = None
    namespace: str | None = None
    cidr: str | None = None


@dataclass(frozen=True)
class Traffic:
    """Allowed ingress and egress of a workload. Name look-ups are always allowed, everything unsaid is not.

    ingress: peers that may connect.
    egress: peers that it may connect to.
    """

    ingress: tuple[Peer, ...] = ()
    egress: tuple[Peer, ...] = ()


@dataclass(frozen=True)
class Probes:
    """Paths that the kubelet asks (requirement K04).

    alive: startup and liveness probe: the process itself.
    ready: readiness probe: it and what it cannot do without.
    """

    alive: str = ALIVE_PATH
    ready: str = READY_PATH


PROBES: Final = Probes()
