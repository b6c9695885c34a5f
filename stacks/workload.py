"""A product's workloads as plain data: what runs, how big, and who talks to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stacks.profile import Size

APPLICATION_PORT: Final = 8000
GRACE_SECONDS: Final = 60


@dataclass(frozen=True)
class Pool:
    """Database connections of one process: kept open, and on top in a rush."""

    size: int
    overflow: int

    @property
    def worst_case(self) -> int:
        return self.size + self.overflow


@dataclass(frozen=True)
class WorkloadSpec:
    """One long-running workload. ``peers`` are workloads it calls; ``public`` ones are reached through the edge."""

    name: str
    arguments: tuple[str, ...]
    size: Size
    pool: Pool
    memory_request: str
    cpu_request: str
    peers: tuple[str, ...] = ()
    public: bool = False
    processes: int = 1


def worst_case_connections(workloads: tuple[WorkloadSpec, ...]) -> int:
    """Connections when every workload is at its maximum and every pool is full (requirement Y03)."""
    return sum(workload.size.maximum * workload.processes * workload.pool.worst_case for workload in workloads)
