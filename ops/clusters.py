"""``contentgen clusters``: whether each region's real cluster is what the stack file counts on (requirement Z09).

A pod was found to fit by what the file says of the nodes; this holds the file against what the cluster reports.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lightkube.utils.quantity import parse_quantity
from pydantic import BaseModel, Field

from infra.catalog.nodes import Version, version
from infra.catalog.units import GIGABYTE
from infra.settings.clusters import ClusterSettings
from infra.settings.nodes import NodeSettings
from infra.settings.stack import NAMESPACE, StackSettings
from localcloud.toolchain.origin import KUBECTL
from ops.console import Report

ASK_SECONDS: Final = 30
NOMINAL: Final = 0.9
"""Share of its size that a node reports at least: the kernel and the file system keep the rest."""
NOT_MACHINES: Final = ("node-role.kubernetes.io/control-plane", "eks.amazonaws.com/compute-type")
"""Labels of nodes that take no pods of ours, or are made to the measure of one."""

VERSION: Final = ("get", "--raw", "/version")
"""Question that every caller of a cluster may ask."""
FORBIDDEN: Final = "(Forbidden)"
"""Part of kubectl's words for an answer 403."""

Ask = Callable[[str, Sequence[str]], str]


class ClusterUnknownError(Exception):
    """A cluster cannot be asked: it does not answer, or nothing that makes sense."""


class ClusterRefusedError(ClusterUnknownError):
    """A cluster answers, and the caller may not ask that: the role of a deployment may not list everything."""


class _Metadata(BaseModel):
    name: str
    labels: dict[str, str] = Field(default_factory=dict)


class _Status(BaseModel):
    capacity: dict[str, str]


class _Node(BaseModel):
    metadata: _Metadata
    status: _Status


class _Nodes(BaseModel):
    items: list[_Node]


class _Server(BaseModel):
    gitVersion: str  # noqa: N815 - the API's name


@dataclass(frozen=True)
class Node:
    """A machine as its cluster reports it: cores, and bytes."""

    name: str
    cores: float
    memory: float
    disk: float


def kubectl(context: str, arguments: Sequence[str]) -> str:
    """Output of kubectl against a cluster. Raises ClusterRefusedError, ClusterUnknownError."""
    command = [str(KUBECTL), "--context", context, f"--request-timeout={ASK_SECONDS}s", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        told = done.stderr.strip() or f"kubectl ended with exit code {done.returncode}"
        raise ClusterRefusedError(told) if FORBIDDEN in told else ClusterUnknownError(told)
    return done.stdout


def reachable(settings: StackSettings, report: Report, ask: Ask = kubectl) -> dict[str, str]:
    """The context of each region whose cluster answers; what keeps another one from that is reported."""
    found = {}
    for region in settings.regions:
        context = settings.clusters.get(region, ClusterSettings()).context
        if context is None:
            report.line(f"{region}: no cluster is named; set {NAMESPACE}:clusters.{region}.context")
            continue
        try:
            ask(context, VERSION)
        except ClusterUnknownError as error:
            report.line(f"{region}: cannot be asked: {error}")
        else:
            found[region] = context
    return found


def clusters_hold(settings: StackSettings, contexts: Mapping[str, str], report: Report, ask: Ask = kubectl) -> bool:
    """Check each region's cluster against ``nodes`` in the stack file; False if one is older or smaller, or its answer
    makes no sense. Nodes that we may not list are reported and do not fail the check.
    """
    holds = True
    for region, context in contexts.items():
        try:
            found = list(shortcomings(*reported(context, ask), settings.nodes))
        except ClusterRefusedError as error:
            report.line(f"{region}: nodes cannot be checked: {error}")
            continue
        except ClusterUnknownError as error:
            found = [f"nodes cannot be checked: {error}"]
        for line in found or ["no finding"]:
            report.line(f"{region}: {line}")
        holds = holds and not found
    return holds


def reported(context: str, ask: Ask) -> tuple[Version, list[Node]]:
    """A cluster's version and its machines.

    Raises ClusterRefusedError, and ClusterUnknownError for an answer that makes no sense too.
    """
    try:
        server = _Server.model_validate_json(ask(context, VERSION))
        nodes = _Nodes.model_validate_json(ask(context, ("get", "nodes", "-o", "json")))
        machines = [one for one in nodes.items if not set(NOT_MACHINES) & set(one.metadata.labels)]
        return version(server.gitVersion), [_node(one) for one in machines]
    except (ValueError, KeyError) as error:
        raise ClusterUnknownError(f"its answer is none of Kubernetes': {error}") from None


def shortcomings(server: Version, nodes: Sequence[Node], wanted: NodeSettings) -> Iterator[str]:
    """Values below the stated minimum, each with the setting and the fix. Pure."""
    if server < version(wanted.kubernetes):
        yield _less("it", "Kubernetes", str(server), "kubernetes", wanted.kubernetes, "a newer cluster")
    for node in nodes:
        if node.cores < wanted.cores:
            yield _less(node.name, "cores", f"{node.cores:g}", "cores", wanted.cores, "larger nodes")
        if node.memory < NOMINAL * wanted.memory_gb * GIGABYTE:
            got = f"{node.memory / GIGABYTE:.1f} GB"
            yield _less(node.name, "memory", got, "memory_gb", wanted.memory_gb, "larger nodes")
        if node.disk < NOMINAL * wanted.disk_gb * GIGABYTE:
            got = f"{node.disk / GIGABYTE:.1f} GB"
            yield _less(node.name, "disk", got, "disk_gb", wanted.disk_gb, "larger disks")


def _less(who: str, what: str, got: str, setting: str, stated: object, instead: str) -> str:
    key = f"{NAMESPACE}:nodes.{setting}"
    return f"{who} has {what} {got}, and {key} says {stated}; fix: use {instead}, or state what is there"


def _node(one: _Node) -> Node:
    capacity = one.status.capacity
    disk = capacity.get("ephemeral-storage", "0")
    return Node(one.metadata.name, _amount(capacity["cpu"]), _amount(capacity["memory"]), _amount(disk))


def _amount(quantity: str) -> float:
    """Raises ValueError for what is no quantity of Kubernetes."""
    return float(parse_quantity(quantity) or 0)
