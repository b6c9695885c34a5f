"""Postgres behind one interface: in the cluster or as RDS, the consumer sees the same endpoint (requirement P04)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import pulumi

from components.logins import Login
from stacks.specs.store import POSTGRES_PORT, DatabaseNames


def server_parameters(memory_gb: int, max_connections: int) -> dict[str, str]:
    """Requirement P01, in Postgres's own units. Its values for 8 GB are a quarter and three quarters of the memory, and
    stay so for other sizes.
    """
    return {
        "shared_buffers": f"{memory_gb // 4}GB",
        "effective_cache_size": f"{memory_gb * 3 // 4}GB",
        "work_mem": "16MB",
        "shared_preload_libraries": "pg_stat_statements",
        "max_connections": str(max_connections),
    }


@dataclass(frozen=True)
class DatabaseEndpoint:
    """Address of a database server or pooler. Behind a pooler both hosts are the pooler's and read_database tells
    readers apart.

    names: names of the database and its logins.
    host: host for writes.
    read_hosts: hosts of the replicas where there are any, else the server itself; a pooler takes them in turn.
    user: login name.
    password: its password, a secret output.
    ssl_mode: sslmode of libpq.
    replicated: True if there is a replica.
    read_database: database name for reads; None for the one of writes.
    """

    names: DatabaseNames
    host: pulumi.Input[str]
    read_hosts: tuple[pulumi.Input[str], ...]
    user: str
    password: pulumi.Output[str]
    ssl_mode: str
    replicated: bool = False
    read_database: str | None = None

    def logged_in(self, login: Login) -> DatabaseEndpoint:
        """The same for one of the two logins that applications have (requirement X02)."""
        return replace(self, user=f"{self.names.service}{login.slot}", password=login.password)

    def owned_by(self, login: Login) -> DatabaseEndpoint:
        """The same for one of the two logins that may change tables: for jobs, never for what answers requests."""
        return replace(self, user=f"{self.names.owner}{login.slot}", password=login.password)

    def url(self) -> pulumi.Output[str]:
        """A libpq URL for writing; secret, because it carries the password."""
        return self._url(self.host, self.names.database)

    def read_url(self) -> pulumi.Output[str]:
        """A libpq URL for reading, of the first of the hosts."""
        return self._url(self.read_hosts[0], self.read_database or self.names.database)

    def _url(self, host: pulumi.Input[str], database: str) -> pulumi.Output[str]:
        address = pulumi.Output.concat(
            "postgresql://", self.user, ":", self.password, "@", host, f":{POSTGRES_PORT}/{database}"
        )
        return pulumi.Output.secret(pulumi.Output.concat(address, "?sslmode=", self.ssl_mode))


class Postgres(Protocol):
    """Interface of both Postgres backends."""

    endpoint: DatabaseEndpoint
