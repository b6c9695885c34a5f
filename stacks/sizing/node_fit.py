"""Check that each pod fits on the smallest node (requirement Z09), and that its limits suit its requests. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from infra.catalog.units import GIGABYTE, MEBIBYTE
from infra.settings.nodes import NodeSettings
from stacks.sizing.namespace_quota import Running
from stacks.specs.resources import Resources, mebibytes, millicores

KEPT_MILLICORES: Final = 200
KEPT_MEBIBYTES: Final = 1024
"""Memory that a node keeps for itself and for the pods that run on every node, rounded up from the managed clusters'
own.
"""


def misfits(pods: Iterable[Running], nodes: NodeSettings) -> Iterator[tuple[str, str, str]]:
    """Pods that fit on no node: name, requests, and the node's allocatable amount."""
    cores = nodes.cores * 1000 - KEPT_MILLICORES
    memory = nodes.memory_gb * GIGABYTE // MEBIBYTE - KEPT_MEBIBYTES
    for pod in pods:
        wanted = pod.resources
        if millicores(wanted.cpu_request) > cores:
            yield pod.name, f"{wanted.cpu_request} of CPU", f"{cores}m"
        if mebibytes(wanted.memory_request) > memory:
            yield pod.name, f"{wanted.memory_request} of memory", f"{memory}Mi"


def limit_problems(asked: Resources, nodes: NodeSettings) -> Iterator[tuple[str, str, str]]:
    """Limits of an instance that the API server refuses or that no node can give: ``cpu`` or ``memory``, the limit, and
    what is allowed.
    """
    if millicores(asked.cpu_limit) < millicores(asked.cpu_request):
        yield "cpu", asked.cpu_limit, f"must be at least {asked.cpu_request}, what an instance asks for"
    elif millicores(asked.cpu_limit) > nodes.cores * 1000:
        yield "cpu", asked.cpu_limit, f"must be at most {nodes.cores}, the cores of the smallest node"
    if mebibytes(asked.memory_limit) < mebibytes(asked.memory_request):
        yield "memory", asked.memory_limit, f"must be at least {asked.memory_request}, what an instance asks for"
