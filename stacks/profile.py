"""Profiles of the environments as typed values on one screen, and their merge with a stack file's own values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from infra.sections import TIER_MEMORY, Backend, Environment, ServiceSettings
from infra.settings import StackSettings
from infra.sizes import DATABASE_LADDER, REDIS_LADDER, DatabaseRung, DatabaseSize, RedisRung, RedisSize


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
    """

    minimum: int
    maximum: int
    memory: str = "1Gi"
    cpu: str = "1000m"
    sticky: bool = False
    processes: int = 1
    pool: int | None = None
    overflow: int | None = None


@dataclass(frozen=True)
class PostgresProfile:
    """Database of an environment, with the PgBouncer instances in front of it (P02).

    backend: in the cluster, or managed.
    size: step of the ladder, for CPU and memory (P03).
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
    """

    backend: Backend
    size: RedisSize = RedisSize.QUARTER
    memory_mb: int | None = None
    node_type: str | None = None
    nodes: int = 1

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


def _services(cpm: Size, im: Size, worker: Size, frontend: tuple[int, int]) -> MappingProxyType[str, Size]:
    page = Size(*frontend, memory="512Mi", cpu="500m")
    return MappingProxyType({"cpm": cpm, "im": im, "worker": worker, "frontend": page})


_DAILY: Final = "0 2 * * *"
_HOURLY: Final = "0 * * * *"
_CLUSTER_POSTGRES: Final = PostgresProfile(Backend.CLUSTER)
_CLUSTER_REDIS: Final = RedisProfile(Backend.CLUSTER)

PROFILES: Final = MappingProxyType(
    {
        Environment.LOCAL: Profile(
            _services(Size(1, 2), Size(1, 2), Size(1, 2), (1, 2)), _CLUSTER_POSTGRES, _CLUSTER_REDIS, _DAILY, 30, 300
        ),
        Environment.DEV: Profile(
            _services(Size(1, 3), Size(1, 3), Size(1, 3), (1, 2)),
            _CLUSTER_POSTGRES,
            _CLUSTER_REDIS,
            _DAILY,
            30,
            300,
            seeded=True,
        ),
        Environment.STAGING: Profile(
            _services(Size(2, 5), Size(2, 3), Size(1, 3), (1, 2)),
            PostgresProfile(Backend.MANAGED, storage_gb=50, poolers=2),
            RedisProfile(Backend.MANAGED, RedisSize.ONE),
            _DAILY,
            30,
            600,
            lock_days=7,
            audited=True,
            edge_instances=2,
        ),
        Environment.PROD: Profile(
            _services(Size(2, 10), Size(2, 5), Size(2, 5), (2, 5)),
            PostgresProfile(Backend.MANAGED, storage_gb=100, read_replicas=1, multi_az=True, poolers=2),
            RedisProfile(Backend.MANAGED, RedisSize.ONE, nodes=2),
            _HOURLY,
            30,
            1500,
            protected=True,
            alarm_hours=2,
            lock_days=30,
            audited=True,
            edge_instances=2,
        ),
    }
)


def resolve(settings: StackSettings) -> Profile:
    """The environment's profile with the stack file's own values over it."""
    base = PROFILES[settings.environment]
    services = {name: _sized(size, settings.services.get(name)) for name, size in base.services.items()}
    postgres = replace(base.postgres, **settings.postgres.model_dump(exclude_none=True))
    redis = replace(base.redis, **settings.redis.model_dump(exclude_none=True))
    return replace(
        base,
        services=MappingProxyType(services),
        postgres=postgres,
        redis=redis,
        backup_schedule=settings.backup.schedule or base.backup_schedule,
        retention_days=settings.backup.retention_days or base.retention_days,
        lock_days=settings.backup.lock_days or base.lock_days,
        alarm_hours=settings.backup.alarm_hours or base.alarm_hours,
        monthly_usd=settings.budget.monthly_usd or base.monthly_usd * len(settings.regions),
    )


def _sized(size: Size, own: ServiceSettings | None) -> Size:
    """A stack file that moves only one end of the range moves the other with it when they would cross."""
    if own is None:
        return size
    given = replace(size, **own.model_dump(exclude_none=True, exclude={"tier"}))
    if own.tier is not None:
        given = replace(given, memory=TIER_MEMORY[own.tier])
    if given.minimum <= given.maximum:
        return given
    return replace(given, maximum=given.minimum) if own.maximum is None else replace(given, minimum=given.maximum)
