"""A product's workloads as plain data: what runs, how big, and who talks to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from components.amount import Resources
from stacks.profile import Size

NAMESPACE: Final = "contentgen"
"""Of every object in a cluster."""

APPLICATION_PORT: Final = 8000
FRONTEND_PORT: Final = 3000


@dataclass(frozen=True)
class Stop:
    """Timeline of a pod's termination, in order of its phases."""

    turned_away: int
    drain: int
    finish: int
    margin: int

    @property
    def grace(self) -> int:
        """After which Kubernetes ends it by force."""
        return self.turned_away + self.drain + self.finish + self.margin


STOP: Final = Stop(turned_away=5, drain=2, finish=50, margin=3)


@dataclass(frozen=True)
class Pool:
    """Database connections of one process: kept open, and on top in a rush."""

    size: int
    overflow: int

    @property
    def worst_case(self) -> int:
        return self.size + self.overflow


@dataclass(frozen=True)
class QueueScaling:
    """Scaling of a workload by its queue's length with KEDA (requirements K09, K10)."""

    more_above: int
    fewer_below: int
    idle_seconds: int


@dataclass(frozen=True)
class WorkloadSpec:
    """One long-running workload.

    ``peers`` are workloads it calls; ``public`` ones are reached through the edge; ``pool`` is None for one without a
    database. ``direct`` connections go round the pooler, because they listen. ``interruptible`` ones may run on spot
    nodes (requirement K12): their work returns to the queue when a node goes. ``reaches_outside`` ones call over HTTPS,
    and the one that ``writes`` has the language models' keys. The one that ``admits`` knows who may come in: it has the
    application's own keys.
    """

    name: str
    arguments: tuple[str, ...]
    size: Size
    pool: Pool | None
    memory_request: str
    cpu_request: str
    peers: tuple[str, ...] = ()
    public: bool = False
    port: int = APPLICATION_PORT
    direct: int = 0
    queue: QueueScaling | None = None
    interruptible: bool = False
    reaches_outside: bool = False
    writes: bool = False
    admits: bool = False

    @property
    def resources(self) -> Resources:
        """Of one instance."""
        return Resources(self.cpu_request, self.size.cpu, self.memory_request, self.size.memory)

    @property
    def pooled_connections(self) -> int:
        """Connections to the pooler when every instance runs and every pool is full (requirement Y03)."""
        return self.size.maximum * self.size.processes * (self.pool.worst_case if self.pool else 0)

    @property
    def direct_connections(self) -> int:
        return self.size.maximum * self.size.processes * self.direct
