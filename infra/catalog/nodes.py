"""Minimum node sizes and versions of a region's cluster (requirement Z09), stated once: settings refuse less, and so do
commands that look at a real one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple


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
