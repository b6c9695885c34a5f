"""Profile of an environment: sizes, stores, backups and budget of one product there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

from infra.catalog.sizes import (
    DATABASE_LADDER,
    GPU_LADDER,
    REDIS_LADDER,
    DatabaseRung,
    DatabaseSize,
    GpuSize,
    RedisRung,
    RedisSize,
)
from infra.settings.stores import Backend
from stacks.specs.store import Role


@dataclass(frozen=True)
class Size:
    """Size of a workload.

    minimum: least number of instances a region.
    maximum: largest number of instances a region.
    memory: memory limit of one instance.
    cpu: CPU limit of one instance.
    sticky: keep a client on its instance (K16).
    processes: server processes of one instance.
    pool: database connections a process keeps open; None for the workload's own number.
    overflow: database connections a process adds in a rush; None for the workload's own number.
    image: image of this workload alone; None for the stack's.
    gpu: GPU of each instance, which decides its limits (K13); None without one.
    """

    minimum: int
    maximum: int
    memory: str = "1Gi"
    cpu: str = "1000m"
    sticky: bool = False
    processes: int = 1
    pool: int | None = None
    overflow: int | None = None
    image: str | None = None
    gpu: GpuSize | None = None

    def with_gpu(self, gpu: GpuSize) -> Size:
        """The same instances with a GPU, and the CPU and memory of its step of the ladder."""
        rung = GPU_LADDER[gpu]
        return replace(self, gpu=gpu, cpu=rung.cpu, memory=rung.memory)


@dataclass(frozen=True)
class PostgresProfile:
    """Database of an environment, with the PgBouncer instances in front of it (P02).

    backend: in the cluster, or managed.
    size: step of the ladder, for CPU and memory (P03).
    version: major version of a managed database.
    storage_gb: storage, GB.
    instance_class: RDS instance class in place of the size's; managed only.
    read_replicas: number of read replicas; managed only.
    multi_az: standby in a second zone; managed only.
    max_connections: connections that the server accepts.
    poolers: number of PgBouncer instances.
    pooler_clients: clients that one PgBouncer accepts.
    pooler_size: server connections that one PgBouncer keeps.
    """

    backend: Backend
    size: DatabaseSize = DatabaseSize.TWO_EIGHT
    version: int = 17
    storage_gb: int = 20
    instance_class: str | None = None
    read_replicas: int = 0
    multi_az: bool = False
    max_connections: int = 200
    poolers: int = 1
    pooler_clients: int = 200
    pooler_size: int = 25

    @property
    def rung(self) -> DatabaseRung:
        """CPU, memory and instance class of the database's size."""
        rung = DATABASE_LADDER[self.size]
        return replace(rung, instance_class=self.instance_class or rung.instance_class)


@dataclass(frozen=True)
class RedisProfile:
    """Cache and queue stores of an environment.

    backend: in the cluster, or managed.
    size: step of the ladder, for CPU and memory (R03).
    memory_mb: maxmemory in place of the size's, MB.
    node_type: ElastiCache node type in place of the size's.
    nodes: nodes of each store; those above one are replicas with automatic failover; managed only.
    cache_shards: primaries of the cache in cluster mode, without replicas: what one loses is computed again; None for a
        cache without shards (R02); managed only.
    """

    backend: Backend
    size: RedisSize = RedisSize.QUARTER
    memory_mb: int | None = None
    node_type: str | None = None
    nodes: int = 1
    cache_shards: int | None = None

    def shards_of(self, role: Role) -> int | None:
        """Shards of the store of one purpose; queues and counters are in a store of one shard."""
        return self.cache_shards if role is Role.CACHE else None

    @property
    def rung(self) -> RedisRung:
        """CPU, memory and node type of one instance of the size."""
        rung = REDIS_LADDER[self.size]
        return replace(rung, memory_mb=self.memory_mb or rung.memory_mb, node_type=self.node_type or rung.node_type)


@dataclass(frozen=True)
class Profile:
    """Everything that differs between environments.

    services: sizes by service.
    postgres: the database.
    redis: cache and queue stores.
    backup_schedule: cron expression of the dumps, UTC.
    retention_days: days until a dump expires.
    monthly_usd: budget of a region, USD a calendar month.
    protected: deletion protection of stateful resources.
    alarm_hours: hours without a good backup until the alarm (W03).
    lock_days: days of object lock, in which a dump cannot be deleted; 0 is no lock.
    audited: declare the account's audit trail (Y07).
    seeded: fill the database with made-up data (S08).
    edge_instances: Envoy proxies a region.
    """

    services: MappingProxyType[str, Size]
    postgres: PostgresProfile
    redis: RedisProfile
    backup_schedule: str
    retention_days: int
    monthly_usd: int
    protected: bool = False
    alarm_hours: int = 26
    lock_days: int = 0
    audited: bool = False
    seeded: bool = False
    edge_instances: int = 1
