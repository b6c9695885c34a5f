"""Which figures of managed stores AWS watches, and from where on a store needs its next size (P03, R03)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from components.postgres import Postgres
from components.postgres_managed import ManagedPostgres
from components.redis import Redis, Role
from components.redis_managed import ManagedRedis
from components.store_alarms import Ceiling
from stacks import steps
from stacks.profile import Profile


def database_ceilings(profile: Profile, database: Postgres) -> Iterator[Ceiling]:
    """Connections, of the primary and of every replica; nothing for a database in the cluster."""
    if isinstance(database, ManagedPostgres):
        for number, identifier in enumerate(database.instances):
            yield Ceiling(
                name=f"connections-{number}",
                namespace="AWS/RDS",
                metric="DatabaseConnections",
                dimensions={"DBInstanceIdentifier": identifier},
                most=steps.CONNECTIONS,
                minutes=steps.MINUTES,
                advice=steps.database_advice(profile.postgres),
            )


def redis_ceilings(profile: Profile, redis: Mapping[Role, Redis]) -> Iterator[Ceiling]:
    """Memory, of the first node: the others hold the same."""
    for role, store in redis.items():
        if isinstance(store, ManagedRedis):
            yield Ceiling(
                name=f"memory-{role}",
                namespace="AWS/ElastiCache",
                metric="DatabaseMemoryUsagePercentage",
                dimensions={"CacheClusterId": store.first_node},
                most=steps.MEMORY_PERCENT,
                minutes=steps.MINUTES,
                advice=steps.redis_advice(profile.redis, role),
            )
