"""Environments of video-gateway on one screen."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.sizes import DatabaseSize, GpuSize, RedisSize
from infra.settings.environment import Environment
from infra.settings.stores import Backend
from stacks.products.jobs import DAILY
from stacks.products.video_gateway.workloads import FRONTEND, GATEWAY
from stacks.specs.profile import PostgresProfile, Profile, RedisProfile, Size


def _services(gateway: tuple[int, int], frontend: tuple[int, int]) -> MappingProxyType[str, Size]:
    """Instances, the least and the most."""
    page = Size(*frontend, memory="1Gi", cpu="500m")
    return MappingProxyType({GATEWAY: Size(*gateway).with_gpu(GpuSize.T4), FRONTEND: page})


CONNECTIONS: Final = 100
"""Document C's connections, of the server and of a pooler's clients."""

SHARDS: Final = 3
"""Document C's nodes of the cache; small ones hold its 1 GiB together, and the budget has room for them."""

PROFILES: Final = MappingProxyType(
    {
        Environment.LOCAL: Profile(
            _services((1, 2), (1, 2)),
            PostgresProfile(Backend.CLUSTER, max_connections=CONNECTIONS, pooler_clients=CONNECTIONS, pooler_size=20),
            RedisProfile(Backend.CLUSTER),
            DAILY,
            30,
            700,
        ),
        Environment.STAGING: Profile(
            _services((1, 1), (1, 2)),
            PostgresProfile(
                Backend.MANAGED,
                DatabaseSize.TWO_FOUR,
                version=15,
                storage_gb=50,
                max_connections=CONNECTIONS,
                poolers=2,
                pooler_clients=CONNECTIONS,
                pooler_size=20,
            ),
            RedisProfile(Backend.MANAGED, RedisSize.ONE),
            DAILY,
            30,
            900,
            lock_days=7,
            audited=True,
            edge_instances=2,
        ),
        Environment.PROD: Profile(
            _services((1, 10), (2, 5)),
            PostgresProfile(
                Backend.MANAGED,
                DatabaseSize.TWO_FOUR,
                version=15,
                storage_gb=100,
                read_replicas=2,
                multi_az=True,
                max_connections=CONNECTIONS,
                poolers=2,
                pooler_clients=CONNECTIONS,
                pooler_size=20,
            ),
            RedisProfile(Backend.MANAGED, RedisSize.QUARTER, nodes=2, cache_shards=SHARDS),
            DAILY,
            30,
            1000,
            protected=True,
            lock_days=30,
            audited=True,
            edge_instances=2,
        ),
    }
)
"""A GPU is paid for in every environment, so staging has one instance and production begins with one."""
