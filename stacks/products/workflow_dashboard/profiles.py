"""Environments of workflow-dashboard on one screen: instances as document B has them in production."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.sizes import DatabaseSize, RedisSize
from infra.settings.environment import Environment
from infra.settings.services import TIER_MEMORY, Tier
from infra.settings.stores import Backend
from stacks.products.jobs import DAILY
from stacks.specs.profile import PostgresProfile, Profile, RedisProfile, Size


def _services(backend: int, frontend: int, *, sticky: bool = False) -> MappingProxyType[str, Size]:
    """The tiers Pro for the back end and Standard for the front end; B keeps a client on one instance."""
    return MappingProxyType(
        {
            "backend": Size(backend, backend, memory=TIER_MEMORY[Tier.PRO], sticky=sticky),
            "frontend": Size(frontend, frontend, memory=TIER_MEMORY[Tier.STANDARD], cpu="500m"),
        }
    )


CONNECTIONS: Final = 100
"""The server's limit in document B, whose alert is at 80 of them."""

PROFILES: Final = MappingProxyType(
    {
        Environment.LOCAL: Profile(
            _services(1, 1, sticky=True),
            PostgresProfile(Backend.CLUSTER, max_connections=CONNECTIONS),
            RedisProfile(Backend.CLUSTER),
            DAILY,
            30,
            300,
        ),
        Environment.STAGING: Profile(
            _services(2, 1, sticky=True),
            PostgresProfile(Backend.MANAGED, DatabaseSize.TWO_FOUR, max_connections=CONNECTIONS),
            RedisProfile(Backend.MANAGED, RedisSize.QUARTER),
            DAILY,
            30,
            400,
            lock_days=7,
            audited=True,
        ),
        Environment.PROD: Profile(
            _services(3, 2, sticky=True),
            PostgresProfile(
                Backend.MANAGED,
                DatabaseSize.TWO_FOUR,
                storage_gb=50,
                read_replicas=1,
                multi_az=True,
                max_connections=CONNECTIONS,
                poolers=2,
            ),
            RedisProfile(Backend.MANAGED, RedisSize.QUARTER, nodes=2),
            DAILY,
            30,
            800,
            protected=True,
            lock_days=30,
            audited=True,
            edge_instances=2,
        ),
    }
)
