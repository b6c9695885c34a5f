"""Environments of TEMPLATE_name on one screen."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.sizes import DatabaseSize, RedisSize
from infra.settings.environment import Environment
from infra.settings.stores import Backend
from stacks.products.jobs import DAILY
from stacks.specs.profile import PostgresProfile, Profile, RedisProfile, Size

from .workloads import WEB


def _instances(least: int, most: int) -> MappingProxyType[str, Size]:
    return MappingProxyType({WEB: Size(least, most, memory="512Mi", cpu="1000m")})


PROFILES: Final = MappingProxyType(
    {
        Environment.LOCAL: Profile(
            _instances(1, 2),
            PostgresProfile(Backend.CLUSTER),
            RedisProfile(Backend.CLUSTER),
            DAILY,
            retention_days=30,
            monthly_usd=300,
        ),
        Environment.PROD: Profile(
            _instances(2, 5),
            PostgresProfile(Backend.MANAGED, DatabaseSize.TWO_FOUR, multi_az=True, poolers=2),
            RedisProfile(Backend.MANAGED, RedisSize.QUARTER, nodes=2),
            DAILY,
            retention_days=30,
            monthly_usd=600,
            protected=True,
            lock_days=30,
            audited=True,
            edge_instances=2,
        ),
    }
)
