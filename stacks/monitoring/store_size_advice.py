"""Advice on a data store's next size: the threshold, and the setting to write into the stack file (requirements P03,
R03). Pure.
"""

from __future__ import annotations

from typing import Final

from infra.catalog.sizes import DATABASE_LADDER, REDIS_LADDER, one_up
from infra.settings.stack import NAMESPACE
from stacks.specs.profile import PostgresProfile, RedisProfile

CONNECTIONS: Final = 80
"""Client connections of the database; above this number a database of two cores is too small (document C)."""
MEMORY_PERCENT: Final = 75
"""Share of Redis' maxmemory, per cent (document C)."""
MINUTES: Final = 5
FREE_STORAGE: Final = 0.2
"""Share of a database's storage below which storage must grow: a full disk stops it (RDS, storage-full)."""
FREE_MEMORY: Final = 0.05
"""Share of a database's memory below which it begins to swap."""
REPLICA_LAG_SECONDS: Final = 60
CREDITS: Final = 20
"""CPU credits of a burstable class (t4g); with none left its CPU costs extra (RDS, unlimited mode)."""


def database_advice(postgres: PostgresProfile) -> str:
    """Advice for more than ``CONNECTIONS``."""
    return f"more than {CONNECTIONS} database connections for {MINUTES} min; {_database_step(postgres)}"


def redis_advice(redis: RedisProfile, role: str) -> str:
    """Advice for more than ``MEMORY_PERCENT``; both instances have one size."""
    return f"redis-{role} uses more than {MEMORY_PERCENT} % of its memory for {MINUTES} min; {_redis_step(redis)}"


def _database_step(postgres: PostgresProfile) -> str:
    larger = one_up(DATABASE_LADDER, postgres.size)
    if postgres.instance_class is not None or larger is None:
        has = postgres.rung.instance_class
        return f"set {NAMESPACE}:postgres.instance_class to a larger one than {has}, or lower the services' pools"
    return f"set {NAMESPACE}:postgres.size from {postgres.size} to {larger}"


def _redis_step(redis: RedisProfile) -> str:
    larger = one_up(REDIS_LADDER, redis.size)
    if redis.memory_mb is not None or redis.node_type is not None or larger is None:
        has = f"{redis.rung.memory_mb} and {redis.rung.node_type}"
        return f"set {NAMESPACE}:redis.memory_mb and redis.node_type to larger ones than {has}"
    return f"set {NAMESPACE}:redis.size from {redis.size} to {larger}"
