"""Requests and limits of one container, as Kubernetes quantities and as numbers to add up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_MEBIBYTES: Final = {"Mi": 1, "Gi": 1024}


@dataclass(frozen=True)
class Resources:
    """Requests and limits of one instance, as Kubernetes quantities.

    cpu_request: CPU request, such as 250m.
    cpu_limit: CPU limit, such as 1000m.
    memory_request: memory request, such as 256Mi.
    memory_limit: memory limit, such as 1Gi.
    """

    cpu_request: str
    cpu_limit: str
    memory_request: str
    memory_limit: str

    def requests(self) -> dict[str, str]:
        return {"cpu": self.cpu_request, "memory": self.memory_request}

    def limits(self) -> dict[str, str]:
        return {"cpu": self.cpu_limit, "memory": self.memory_limit}


@dataclass(frozen=True)
class Totals:
    """Sum of many containers.

    pods: number of pods.
    cpu_requests: CPU requests, thousandths of a core.
    cpu_limits: CPU limits, thousandths of a core.
    memory_requests: memory requests, MiB.
    memory_limits: memory limits, MiB.
    storage_gb: storage of the volumes, GB.
    gpus: number of GPUs.
    """

    pods: int
    cpu_requests: int
    cpu_limits: int
    memory_requests: int
    memory_limits: int
    storage_gb: int
    gpus: int = 0


def millicores(quantity: str) -> int:
    """Thousandths of a core. Raises ValueError for what is no CPU quantity."""
    found = re.fullmatch(r"([0-9]+)(m?)", quantity)
    if found is None:
        raise ValueError(f"{quantity!r} is no amount of CPU; such as 250m or 2")
    return int(found[1]) * (1 if found[2] else 1000)


def mebibytes(quantity: str) -> int:
    """MiB. Raises ValueError for what is no memory quantity in Mi or Gi."""
    found = re.fullmatch(r"([0-9]+)(Mi|Gi)", quantity)
    if found is None:
        raise ValueError(f"{quantity!r} is no amount of memory; such as 256Mi or 1Gi")
    return int(found[1]) * _MEBIBYTES[found[2]]
