"""Database connections with everything at its maximum, against the server's limit (requirement Y03). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stacks.specs.profile import PostgresProfile
from stacks.specs.workload import Workload

RESERVED: Final = 3
"""Connections that Postgres keeps for its superuser (superuser_reserved_connections)."""
JOB_CONNECTIONS: Final = 12
"""Migration, backup, restore check and maintenance may run at once, each with a dump or a vacuum and a control."""


@dataclass(frozen=True)
class Connections:
    """Worst case of one region's database connections, against the limits (requirement Y03).

    pooler_clients: client connections through the pooler.
    pooler_accepts: clients that one PgBouncer accepts.
    server: connections to the server.
    server_accepts: max_connections of the server.
    """

    pooler_clients: int
    pooler_accepts: int
    server: int
    server_accepts: int

    @property
    def pooler_fits(self) -> bool:
        return self.pooler_clients <= self.pooler_accepts

    @property
    def server_fits(self) -> bool:
        return self.server <= self.server_accepts


def worst_case(workloads: tuple[Workload, ...], postgres: PostgresProfile) -> Connections:
    """Clients must fit a single PgBouncer, because the others may be gone; every PgBouncer fills its own pool."""
    pooled = sum(workload.pooled_connections for workload in workloads)
    direct = sum(workload.direct_connections for workload in workloads)
    server = postgres.poolers * postgres.pooler_size + direct + JOB_CONNECTIONS + RESERVED
    return Connections(pooled, postgres.pooler_clients, server, postgres.max_connections)
