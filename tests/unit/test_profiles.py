"""Profiles of environments, and their merge with a stack file's own values."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from infra.settings.environment import Environment
from infra.settings.services import ServiceSettings
from infra.settings.stack import PostgresSettings, RedisSettings, StackSettings
from infra.settings.stack_file import stacks
from infra.settings.stores import Backend
from infra.settings.value_types import memory_bytes
from ops.stack_files import read
from stacks.plan import plan
from stacks.products.content_generation.blueprint import BLUEPRINT
from stacks.products.content_generation.profiles import PROFILES
from stacks.products.registry import PRODUCTS
from stacks.specs.profile import PostgresProfile, Profile, RedisProfile, Size
from stacks.stack_files import parse


def settings(environment: Environment, **values: object) -> StackSettings:
    return parse(environment, {"environment": environment, "domain": "example.com", "regions": ["us-east-1"], **values})


def test_every_environment_has_a_profile() -> None:
    assert set(PROFILES) == set(Environment)


def test_only_production_is_protected_replicated_and_backed_up_every_hour() -> None:
    special = {
        environment
        for environment, profile in PROFILES.items()
        if profile.protected
        or profile.postgres.multi_az
        or profile.postgres.read_replicas
        or profile.redis.nodes > 1
        or profile.backup_schedule != "0 2 * * *"
    }
    assert special == {Environment.PROD}
    prod = PROFILES[Environment.PROD]
    assert (prod.protected, prod.postgres.multi_az, prod.postgres.read_replicas, prod.redis.nodes) == (True, True, 1, 2)
    assert prod.backup_schedule == "0 * * * *"


def test_data_is_managed_where_people_rely_on_it_and_in_the_cluster_elsewhere() -> None:
    backends = {environment: (one.postgres.backend, one.redis.backend) for environment, one in PROFILES.items()}
    assert backends == {
        Environment.LOCAL: (Backend.CLUSTER, Backend.CLUSTER),
        Environment.DEV: (Backend.CLUSTER, Backend.CLUSTER),
        Environment.STAGING: (Backend.MANAGED, Backend.MANAGED),
        Environment.PROD: (Backend.MANAGED, Backend.MANAGED),
    }


def test_budgets_grow_from_local_to_production() -> None:
    assert [PROFILES[environment].monthly_usd for environment in Environment] == [300, 300, 600, 1500]


@pytest.mark.requirement("Y02")
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_no_profile_passes_the_limits_of_the_product(profile: Profile) -> None:
    limits = BLUEPRINT.limits
    assert set(profile.services) == set(limits.instances)
    for name, size in profile.services.items():
        assert 1 <= size.minimum <= size.maximum <= limits.instances[name]
        assert 0 < (memory_bytes(size.memory) or 0) <= limits.memory_bytes
    assert profile.postgres.storage_gb <= limits.storage_gb
    assert profile.postgres.max_connections <= limits.database_connections


def test_every_optional_setting_of_a_store_or_service_has_its_place_in_the_profile() -> None:
    pairs = ((PostgresSettings, PostgresProfile), (RedisSettings, RedisProfile), (ServiceSettings, Size))
    for own, base in pairs:
        # A tier is another word for memory.
        assert set(own.model_fields) - {"tier"} <= {field.name for field in fields(base)}


def test_a_stack_files_own_values_go_over_the_profile_and_the_rest_stays() -> None:
    base = PROFILES[Environment.PROD]
    resolved = plan(
        "it",
        settings(
            Environment.PROD,
            services={"cpm": {"memory": "2Gi"}},
            postgres={"storage_gb": 60, "read_replicas": 0},
            redis={"memory_mb": 512},
            backup={"schedule": "30 * * * *", "retention_days": 7},
            budget={"monthly_usd": 99},
        ),
    ).profile
    assert resolved.services["cpm"] == Size(2, 10, "2Gi", "1000m")
    assert resolved.services["im"] == base.services["im"]
    assert (resolved.postgres.storage_gb, resolved.postgres.read_replicas) == (60, 0)
    assert resolved.postgres.multi_az
    assert (resolved.redis.memory_mb, resolved.redis.nodes) == (512, 2)
    assert (resolved.backup_schedule, resolved.retention_days, resolved.monthly_usd) == ("30 * * * *", 7, 99)
    assert resolved.protected


@pytest.mark.parametrize(
    ("own", "range_"),
    [({"minimum": 5}, (5, 5)), ({"maximum": 1}, (1, 1)), ({"minimum": 1, "maximum": 7}, (1, 7)), ({}, (1, 3))],
)
def test_moving_one_end_of_a_range_moves_the_other_when_they_would_cross(
    own: dict[str, int], range_: tuple[int, int]
) -> None:
    size = plan("it", settings(Environment.DEV, services={"cpm": own})).profile.services["cpm"]
    assert (size.minimum, size.maximum) == range_


@pytest.mark.requirement("Y02")
def test_no_stack_file_resolves_to_more_than_the_limits(root: Path) -> None:
    for stack in stacks(root):
        own = read(root, stack)
        limits = PRODUCTS[own.product].limits
        for name, size in plan("it", own).profile.services.items():
            assert size.maximum <= limits.instances[name]
