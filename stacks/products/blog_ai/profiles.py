"""Environments of blog-ai on one screen."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.sizes import DatabaseSize, RedisSize
from infra.settings.environment import Environment
from infra.settings.stores import Backend
from stacks.products.blog_ai.workloads import APPLICATION
from stacks.products.jobs import DAILY
from stacks.specs.profile import PostgresProfile, Profile, RedisProfile, Size


def _instances(least: int, most: int, processes: int) -> MappingProxyType[str, Size]:
    return MappingProxyType({APPLICATION: Size(least, most, memory="2Gi", cpu="2000m", processes=processes)})


PROFILES: Final = MappingProxyType(
    {
        Environment.LOCAL: Profile(
            _instances(1, 2, processes=1),
            PostgresProfile(Backend.CLUSTER),
            RedisProfile(Backend.CLUSTER),
            DAILY,
            30,
            300,
        ),
        Environment.PROD: Profile(
            _instances(2, 10, processes=2),
            PostgresProfile(
                Backend.MANAGED, DatabaseSize.TWO_FOUR, storage_gb=40, read_replicas=1, multi_az=True, poolers=2
            ),
            RedisProfile(Backend.MANAGED, RedisSize.QUARTER, nodes=2),
            DAILY,
            30,
            600,
            protected=True,
            lock_days=30,
            audited=True,
            edge_instances=2,
        ),
    }
)
