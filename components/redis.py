"""Redis behind one interface: in the cluster or as ElastiCache; cache and queue are two instances (requirement R02)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pulumi

from stacks.specs.store import REDIS_PORT


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
        return pulumi.Output.secret(
            pulumi.Output.concat(scheme, "://:", self.password, "@", self.host, f":{REDIS_PORT}/0")
        )


class Redis(Protocol):
    """Interface of both Redis backends."""

    endpoint: RedisEndpoint
