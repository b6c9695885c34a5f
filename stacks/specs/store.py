"""Data stores as plain data: purposes, ports, and what one instance may use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stacks.specs.resources import Resources

POSTGRES: Final = "postgres"
POSTGRES_PORT: Final = 5432
POOLER: Final = "pgbouncer"
POOLER_RESOURCES: Final = Resources("100m", "500m", "64Mi", "128Mi")
REDIS_PORT: Final = 6379
REDIS_VOLUME_GB: Final = 1


@dataclass(frozen=True)
class DatabaseNames:
    """Names within a product's database server (requirement X02).

    database: name of the database.
    administrator: login that makes the other logins; migrations alone know its password.
    service: begin of the names of the services' two logins.
    owner: begin of the names of the two logins that may change tables.
    """

    database: str
    administrator: str
    service: str
    owner: str

    @property
    def read_database(self) -> str:
        """Name by which a pooler tells readers from writers."""
        return f"{self.database}_read"


class Role(StrEnum):
    """Purpose of a Redis instance, which decides its eviction policy."""

    CACHE = "cache"
    QUEUE = "queue"

    @property
    def eviction(self) -> str:
        """A cache forgets the least used; limits and queues must not lose anything silently."""
        return {Role.CACHE: "allkeys-lru", Role.QUEUE: "noeviction"}[self]


def redis_component(role: Role) -> str:
    """Component name of the Redis of one purpose in the cluster."""
    return f"redis-{role}"


def postgres_resources(cores: int, memory_gb: int) -> Resources:
    """Of a database in the cluster. Its requests are small: such stacks are often idle."""
    return Resources("250m", f"{cores * 1000}m", "512Mi", f"{memory_gb}Gi")


def redis_resources(cpu: str, memory_mb: int) -> Resources:
    """Of a Redis in the cluster, as requirement R01 says: the memory limit is twice ``maxmemory``."""
    return Resources("100m", cpu, "128Mi", f"{2 * memory_mb}Mi")
