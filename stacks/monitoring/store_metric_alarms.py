"""CloudWatch metrics of managed stores with the threshold of the next size (P03, R03)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pulumi

from components.postgres import Postgres
from components.postgres_managed import ManagedPostgres
from components.redis import Redis
from components.redis_managed import ManagedRedis
from components.store_alarms import Ceiling
from infra.catalog.units import GIBIBYTE, GIGABYTE
from stacks.monitoring import store_size_advice as steps
from stacks.monitoring.runbooks import runbook
from stacks.specs.profile import Profile
from stacks.specs.store import Role


def database_ceilings(profile: Profile, database: Postgres) -> Iterator[Ceiling]:
    """Connections, storage, memory, credits and lag, of the primary and of every replica; nothing for a database in the
    cluster.
    """
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
                runbook=runbook("stores", "DatabaseConnectionsHigh"),
            )
            yield from _health(profile, number, {"DBInstanceIdentifier": identifier})


def _health(profile: Profile, number: int, dimensions: Mapping[str, pulumi.Input[str]]) -> Iterator[Ceiling]:
    """Figures of one instance that end in a standstill (RDS User Guide, CloudWatch metrics for Amazon RDS)."""
    storage, memory = profile.postgres.storage_gb * GIGABYTE, profile.postgres.rung.memory_gb * GIBIBYTE
    wanted = [
        ("storage", "FreeStorageSpace", steps.FREE_STORAGE * storage, True, "raise contentgen:postgres.storage_gb"),
        ("memory", "FreeableMemory", steps.FREE_MEMORY * memory, True, "set contentgen:postgres.size one step up"),
    ]
    if profile.postgres.rung.instance_class.startswith("db.t"):
        fix = "set contentgen:postgres.instance_class to one that is not burstable"
        wanted.append(("credits", "CPUCreditBalance", steps.CREDITS, True, fix))
    if number:
        wanted.append(("lag", "ReplicaLag", steps.REPLICA_LAG_SECONDS, False, "look for long queries on the replica"))
    for name, metric, most, floor, fix in wanted:
        beyond = "below" if floor else "above"
        advice = f"{metric} {beyond} {most:g} for {steps.MINUTES} min; {fix}"
        page = runbook("stores", "ManagedDatabaseExhausted")
        yield Ceiling(f"{name}-{number}", "AWS/RDS", metric, dimensions, most, steps.MINUTES, advice, page, floor)


def redis_ceilings(profile: Profile, redis: Mapping[Role, Redis]) -> Iterator[Ceiling]:
    """Memory, of each shard's primary: its replicas hold the same."""
    for role, store in redis.items():
        nodes = store.primaries if isinstance(store, ManagedRedis) else ()
        for number, node in enumerate(nodes, 1):
            yield Ceiling(
                name=f"memory-{role}" if len(nodes) == 1 else f"memory-{role}-{number}",
                namespace="AWS/ElastiCache",
                metric="DatabaseMemoryUsagePercentage",
                dimensions={"CacheClusterId": node},
                most=steps.MEMORY_PERCENT,
                minutes=steps.MINUTES,
                advice=steps.redis_advice(profile.redis, role),
                runbook=runbook("stores", "RedisMemoryHigh"),
            )
