"""Whether each pod fits on the smallest node (requirement Z09). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from components.amount import mebibytes, millicores
from infra.limits import GIGABYTE, MEBIBYTE
from infra.nodes import NodeSettings
from stacks.capacity import Running

KEPT_MILLICORES: Final = 200
KEPT_MEBIBYTES: Final = 1024
"""What a node keeps for itself and for the pods that run on every node, rounded up from the managed clusters' own."""


def misfits(pods: Iterable[Running], nodes: NodeSettings) -> Iterator[tuple[str, str, str]]:
    """Who fits on no node: its name, what it asks for, and what there is."""
    cores = nodes.cores * 1000 - KEPT_MILLICORES
    memory = nodes.memory_gb * GIGABYTE // MEBIBYTE - KEPT_MEBIBYTES
    for pod in pods:
        wanted = pod.resources
        if millicores(wanted.cpu_request) > cores:
            yield pod.name, f"{wanted.cpu_request} of CPU", f"{cores}m"
        if mebibytes(wanted.memory_request) > memory:
            yield pod.name, f"{wanted.memory_request} of memory", f"{memory}Mi"
