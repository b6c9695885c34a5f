"""A product's workloads as plain data: what runs, how big, and who talks to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from stacks.specs.bucket import BucketAccess
from stacks.specs.idling import Idling
from stacks.specs.network import BACKEND, FRONTEND, HTTP, PROBES, NamedPort, Probes
from stacks.specs.placement import Spot
from stacks.specs.profile import Size
from stacks.specs.resources import Resources
from stacks.specs.route import Affinity
from stacks.specs.scale_behaviour import PROMPT, ScaleBehaviour

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
    fewer_below: waiting jobs below which the workload returns to its minimum; up to more_above it keeps its instances.
    idle_seconds: time for which fewer must wait before an instance is taken away.
    queue: name of the queue; None where the product has only one.
    """

    more_above: int
    fewer_below: int
    idle_seconds: int
    queue: str | None = None


@dataclass(frozen=True, kw_only=True)
class WorkloadSpec:
    """Long-running workload of a product, of any size.

    name: component name.
    arguments: arguments after the image's entry point.
    pool: database connections of one process; None for a workload without a database.
    memory_request: memory request of one instance, such as 256Mi.
    cpu_request: CPU request of one instance, such as 250m.
    autoscaled: False keeps the minimum of instances, without an autoscaler.
    behaviour: pace of its autoscaler.
    single: reason why one instance is enough in production (Y05); empty where it is not.
    probes: paths of the probes.
    peers: workloads that it calls.
    public: True if the edge routes to it.
    port: port that it listens on, with its probes and metrics.
    page_port: port of its page, where one image has an API and a page (requirement K01); None without one.
    direct: connections of one process past the pooler, because they listen (LISTEN).
    queue: scaling by the queue; None scales by CPU and memory.
    spot: use of spot nodes: its work returns to the queue when a node goes; None keeps it on others.
    hashed_by_uri: send requests for one address to the same instance (requirement K16).
    reaches_outside: allow HTTPS to the internet.
    uses_llm_keys: give it the language models' keys.
    uses_research_keys: give it the keys of search engines and of the maker of pictures.
    holds_application_keys: give it the application's own keys, with which it authenticates clients.
    takes_payments: give it the payment provider's keys and prices.
    buckets: access to the product's buckets, by name.
    renders: give it the address of the renderer and the product's features (requirement K13).
    variables: variables of its own beside those of every workload.
    """

    name: str
    arguments: tuple[str, ...]
    pool: Pool | None
    memory_request: str
    cpu_request: str
    autoscaled: bool = True
    behaviour: ScaleBehaviour = PROMPT
    single: str = ""
    probes: Probes = PROBES
    peers: tuple[str, ...] = ()
    public: bool = False
    port: int = APPLICATION_PORT
    direct: int = 0
    queue: QueueScaling | None = None
    page_port: int | None = None
    spot: Spot | None = None
    hashed_by_uri: bool = False
    reaches_outside: bool = False
    uses_llm_keys: bool = False
    uses_research_keys: bool = False
    holds_application_keys: bool = False
    takes_payments: bool = False
    renders: bool = False
    buckets: Mapping[str, BucketAccess] = field(default_factory=lambda: MappingProxyType({}))
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def ports(self) -> tuple[NamedPort, ...]:
        """Ports of its pods, the one with probes and metrics first."""
        if self.page_port is None:
            return (NamedPort(HTTP, self.port),)
        return NamedPort(BACKEND, self.port), NamedPort(FRONTEND, self.page_port)

    @property
    def services(self) -> tuple[str, ...]:
        """Services that routes may name: its own, or one of each port."""
        return (self.name,) if self.page_port is None else tuple(f"{self.name}-{port.name}" for port in self.ports)

    @property
    def notes_requests(self) -> bool:
        """True if it can write the time of its last request: it answers some, and has a database."""
        return self.pool is not None and self.queue is None

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
    idle: rule by which it has one instance without requests (K10); None keeps the minimum.
    """

    size: Size
    idle: Idling | None = None

    @property
    def affinity(self) -> Affinity | None:
        """Choice of the instance that answers; None leaves it to the load balancer."""
        if self.size.sticky:
            return Affinity.CLIENT
        return Affinity.URI if self.hashed_by_uri else None

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
