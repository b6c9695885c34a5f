"""Environments of recipe-app on one screen."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.sizes import DatabaseSize, RedisSize
from infra.settings.environment import Environment
from infra.settings.stores import Backend
from stacks.products.jobs import DAILY, HOURLY
from stacks.products.recipe_app.workloads import AI_GENERATION, BACKEND, FRONTEND, VIDEO_PROCESSOR
from stacks.specs.profile import PostgresProfile, Profile, RedisProfile, Size


def _services(
    backend: tuple[int, int], frontend: tuple[int, int], ai_generation: tuple[int, int], video: tuple[int, int]
) -> MappingProxyType[str, Size]:
    """Instances, the least and the most."""
    return MappingProxyType(
        {
            BACKEND: Size(*backend),
            FRONTEND: Size(*frontend, memory="512Mi", cpu="500m"),
            AI_GENERATION: Size(*ai_generation),
            VIDEO_PROCESSOR: Size(*video),
        }
    )


CLIENTS: Final = 300
"""Connections that a pooler accepts: ten back ends with document D's pool would fill document A's 200 alone."""

PROFILES: Final = MappingProxyType(
    {
        Environment.LOCAL: Profile(
            _services((1, 2), (1, 2), (1, 2), (1, 2)),
            PostgresProfile(Backend.CLUSTER, pooler_clients=CLIENTS),
            RedisProfile(Backend.CLUSTER),
            DAILY,
            30,
            300,
        ),
        Environment.PROD: Profile(
            _services((2, 10), (2, 5), (2, 10), (2, 3)),
            PostgresProfile(
                Backend.MANAGED,
                DatabaseSize.TWO_FOUR,
                storage_gb=100,
                read_replicas=1,
                multi_az=True,
                poolers=2,
                pooler_clients=CLIENTS,
            ),
            RedisProfile(Backend.MANAGED, RedisSize.QUARTER, nodes=2),
            HOURLY,
            30,
            1000,
            protected=True,
            alarm_hours=2,
            lock_days=30,
            audited=True,
            edge_instances=2,
        ),
    }
)
