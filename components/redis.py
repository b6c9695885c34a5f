"""Redis behind one interface: in the cluster or as ElastiCache; cache and queue are two instances (requirement R02)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

import pulumi

PORT: Final = 6379


class Role(StrEnum):
    """Purpose of a Redis instance, which decides its eviction policy."""

    CACHE = "cache"
    QUEUE = "queue"

    @property
    def eviction(self) -> str:
        """A cache forgets the least used; limits and queues must not lose anything silently."""
        return {Role.CACHE: "allkeys-lru", Role.QUEUE: "noeviction"}[self]


@dataclass(frozen=True)
class RedisEndpoint:
    """Address of a Redis server.

    host: host name.
    password: its password, a secret output.
    tls: True if the connection is encrypted.
    """

    host: pulumi.Input[str]
    password: pulumi.Output[str]
    tls: bool

    def url(self) -> pulumi.Output[str]:
        """Secret, because it carries the password."""
        scheme = "rediss" if self.tls else "redis"
        return pulumi.Output.secret(pulumi.Output.concat(scheme, "://:", self.password, "@", self.host, f":{PORT}/0"))


class Redis(Protocol):
    """Interface of both Redis backends."""

    endpoint: RedisEndpoint
