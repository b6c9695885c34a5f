"""Environments of content-generation on one screen."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.sizes import RedisSize
from infra.settings.environment import Environment
from infra.settings.stores import Backend
from stacks.products.jobs import DAILY, HOURLY
from stacks.specs.profile import PostgresProfile, Profile, RedisProfile, Size


def _services(cpm: Size, im: Size, worker: Size, frontend: tuple[int, int]) -> MappingProxyType[str, Size]:
    page = Size(*frontend, memory="512Mi", cpu="500m")
    return MappingProxyType({"cpm": cpm, "im": im, "worker": worker, "frontend": page})


_CLUSTER_POSTGRES: Final = PostgresProfile(Backend.CLUSTER)
_CLUSTER_REDIS: Final = RedisProfile(Backend.CLUSTER)

PROFILES: Final = MappingProxyType(
    {
        Environment.LOCAL: Profile(
            _services(Size(1, 2), Size(1, 2), Size(1, 2), (1, 2)), _CLUSTER_POSTGRES, _CLUSTER_REDIS, DAILY, 30, 300
        ),
        Environment.DEV: Profile(
            _services(Size(1, 3), Size(1, 3), Size(1, 3), (1, 2)),
            _CLUSTER_POSTGRES,
            _CLUSTER_REDIS,
            DAILY,
            30,
            300,
            seeded=True,
        ),
        Environment.STAGING: Profile(
            _services(Size(2, 5), Size(2, 3), Size(1, 3), (1, 2)),
            PostgresProfile(Backend.MANAGED, storage_gb=50, poolers=2),
            RedisProfile(Backend.MANAGED, RedisSize.ONE),
            DAILY,
            30,
            600,
            lock_days=7,
            audited=True,
            edge_instances=2,
        ),
        Environment.PROD: Profile(
            _services(Size(2, 10), Size(2, 5), Size(2, 5), (2, 5)),
            PostgresProfile(Backend.MANAGED, storage_gb=100, read_replicas=1, multi_az=True, poolers=2),
            RedisProfile(Backend.MANAGED, RedisSize.ONE, nodes=2),
            HOURLY,
            30,
            1500,
            protected=True,
            alarm_hours=2,
            lock_days=30,
            audited=True,
            edge_instances=2,
        ),
    }
)
