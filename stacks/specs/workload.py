"""A product's workloads as plain data: what runs, how big, and who talks to whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from stacks.specs.network import PROBES, Probes
from stacks.specs.profile import Size
from stacks.specs.resources import Resources

APPLICATION_PORT: Final = 8000
FRONTEND_PORT: Final = 3000


@dataclass(frozen=True)
class Stop:
    """Timeline of a pod's termination, seconds of each phase in order.

    turned_away: preStop: endpoints are removed, and the process has no signal yet.
    drain: /ready answers 503, requests are still served.
    finish: running requests and jobs finish.
    margin: slack before SIGKILL.
    """

    turned_away: int
    drain: int
    finish: int
    margin: int

    @property
    def grace(self) -> int:
        """Seconds from the begin of a stop to SIGKILL (terminationGracePeriodSeconds)."""
        return self.turned_away + self.drain + self.finish + self.margin


STOP: Final = Stop(turned_away=5, drain=2, finish=50, margin=3)


@dataclass(frozen=True)
class Pool:
    """Database connections of one process.

    size: connections that it keeps open.
    overflow: connections that it adds in a rush.
    """

    size: int
    overflow: int

    @property
    def worst_case(self) -> int:
        return self.size + self.overflow


@dataclass(frozen=True)
class QueueScaling:
    """Scaling of a workload by its queue's length with KEDA (requirements K09, K10).

    more_above: waiting jobs for each further instance.
    fewer_below: waiting jobs up to which the queue counts as idle.
    idle_seconds: idle time after which the workload is at its minimum.
    """

    more_above: int
    fewer_below: int
    idle_seconds: int


@dataclass(frozen=True, kw_only=True)
class WorkloadSpec:
    """Long-running workload of a product, of any size.

    name: component name.
    arguments: arguments after the image's entry point.
    pool: database connections of one process; None for a workload without a database.
    memory_request: memory request of one instance, such as 256Mi.
    cpu_request: CPU request of one instance, such as 250m.
    autoscaled: False keeps the minimum of instances, without an autoscaler.
    probes: paths of the probes.
    peers: workloads that it calls.
    public: True if the edge routes to it.
    port: port that it listens on.
    direct: connections of one process past the pooler, because they listen (LISTEN).
    queue: scaling by the queue; None scales by CPU and memory.
    interruptible: allow spot nodes (requirement K12): its work returns to the queue when a node goes.
    reaches_outside: allow HTTPS to the internet.
    uses_llm_keys: give it the language models' keys.
    holds_application_keys: give it the application's own keys, with which it authenticates clients.
    """

    name: str
    arguments: tuple[str, ...]
    pool: Pool | None
    memory_request: str
    cpu_request: str
    autoscaled: bool = True
    probes: Probes = PROBES
    peers: tuple[str, ...] = ()
    public: bool = False
    port: int = APPLICATION_PORT
    direct: int = 0
    queue: QueueScaling | None = None
    interruptible: bool = False
    reaches_outside: bool = False
    uses_llm_keys: bool = False
    holds_application_keys: bool = False

    def sized(self, size: Size) -> Workload:
        """The workload in one environment: a pool that the stack file gives replaces the product's."""
        pool = self.pool and Pool(
            self.pool.size if size.pool is None else size.pool,
            self.pool.overflow if size.overflow is None else size.overflow,
        )
        return Workload(**vars(replace(self, pool=pool)), size=size)


@dataclass(frozen=True, kw_only=True)
class Workload(WorkloadSpec):
    """Workload of a stack.

    size: instances, limits and processes.
    """

    size: Size

    @property
    def resources(self) -> Resources:
        """Requests and limits of one instance."""
        return Resources(self.cpu_request, self.size.cpu, self.memory_request, self.size.memory)

    @property
    def pooled_connections(self) -> int:
        """Connections to the pooler when every instance runs and every pool is full (requirement Y03)."""
        return self.size.maximum * self.size.processes * (self.pool.worst_case if self.pool else 0)

    @property
    def direct_connections(self) -> int:
        return self.size.maximum * self.size.processes * self.direct
