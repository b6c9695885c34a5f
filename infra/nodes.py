"""Minimum node sizes and versions of a region's cluster (requirement Z09), stated once: settings refuse less, and so do
commands that look at a real one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints

from infra.shapes import VERSION_PATTERN, Model


class Version(NamedTuple):
    """Version of Kubernetes, without the patch.

    major: first number.
    minor: second number.
    """

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True)
class NodeSize:
    """Size of a node.

    cores: CPU cores.
    memory_gb: memory, GB.
    disk_gb: disk, GB.
    """

    cores: int
    memory_gb: int
    disk_gb: int


LEAST: Final = NodeSize(2, 4, 40)
RECOMMENDED: Final = NodeSize(4, 8, 100)
OLDEST: Final = Version(1, 25)
SLEEPS_BY_ITSELF: Final = Version(1, 30)
"""From here on Kubernetes waits before it stops a container without a program in the image; before, it runs one."""
USUAL: Final = SLEEPS_BY_ITSELF


def version(text: str) -> Version:
    """Version of a setting, or of a server's answer such as v1.31.4-eks-1. Raises ValueError for anything else."""
    found = re.match(r"v?([0-9]+)\.([0-9]+)", text)
    if found is None:
        raise ValueError(f"{text!r} is no version of Kubernetes; such as {USUAL}")
    return Version(int(found[1]), int(found[2]))


def _new_enough(text: str) -> str:
    """Raises ValueError for a version that is not supported; the pattern has been checked."""
    if version(text) < OLDEST:
        raise ValueError(f"must be {OLDEST} or newer (Z09); renew the cluster first")
    return text


KubernetesVersion = Annotated[str, StringConstraints(pattern=VERSION_PATTERN), AfterValidator(_new_enough)]


class NodeSettings(Model):
    """Nodes of the regions' clusters, each node at the least (requirement Z09)."""

    kubernetes: KubernetesVersion = Field(str(USUAL), description="version of the oldest cluster")
    cores: int = Field(RECOMMENDED.cores, ge=LEAST.cores, description="cores of the smallest node")
    memory_gb: int = Field(RECOMMENDED.memory_gb, ge=LEAST.memory_gb, description="memory of the smallest node, GB")
    disk_gb: int = Field(RECOMMENDED.disk_gb, ge=LEAST.disk_gb, description="disk of the smallest node, GB")
