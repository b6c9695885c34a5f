"""Names: made as the official plugins make them, refused when too long, and short enough in every stack we allow."""

from __future__ import annotations

import pytest

from infra.catalog.names import LONGEST_STACK_NAME
from localcloud.aws.types import NAME_LIMITS, TYPES
from localcloud.provider.check import SUFFIX_DIGITS
from ops.stack_files import read
from tests.aws.test_every_type import CASES
from tests.aws.world import World
from tests.unit.program import ROOT, STACKS, declared

GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
OWN = {token: case.longest_name for token, case in CASES.items() if case.longest_name is not None}


def too_long(stack: str, profile: str) -> list[str]:
    """Names of a stack that AWS or the official plugin refuses."""
    found = []
    for one in declared(stack, read(ROOT, profile)).resources:
        limit = NAME_LIMITS.get(one.type)
        given = one.at(limit.property) if limit else None
        if limit is None or (isinstance(given, str) and len(given) <= limit.longest):
            continue
        name = limit.prefix + one.name + "-" + "0" * SUFFIX_DIGITS if given is None else str(given)
        if len(name) > limit.longest:
            found.append(f"{one.type} {name} ({len(name)} of {limit.longest})")
    return found


def test_every_type_with_a_name_has_its_documented_maximum() -> None:
    assert {token: limit.longest for token, limit in NAME_LIMITS.items()} == OWN
    assert {token for token, type_ in TYPES.items() if type_.auto_name} == set(OWN)
    assert all(limit.source for limit in NAME_LIMITS.values())


@pytest.mark.parametrize("token", sorted(OWN))
def test_a_name_that_fits_is_the_logical_name_a_dash_and_seven_digits(world: World, token: str) -> None:
    rule = NAME_LIMITS[token]
    room = rule.longest - len(rule.prefix) - SUFFIX_DIGITS - 1
    name = str(world.driver.check(token, "x" * room, {}).inputs[rule.property])
    assert len(name) == rule.longest
    assert name.startswith(rule.prefix + "x" * room + "-")
    assert rule.property not in world.driver.check(token, "x" * room, {}).failures


@pytest.mark.parametrize("token", sorted(OWN))
def test_a_name_one_character_too_long_is_refused_and_never_cut(world: World, token: str) -> None:
    rule = NAME_LIMITS[token]
    logical = "x" * (rule.longest - len(rule.prefix) - SUFFIX_DIGITS)
    reason = world.driver.check(token, logical, {}).failures[rule.property]
    assert f"{rule.longest + 1} characters, {rule.longest} are allowed" in reason
    assert "shorter logical name" in reason


def test_a_name_given_by_the_program_is_held_to_the_same_maximum(world: World) -> None:
    reason = world.driver.check(GROUP, "cache", {"replicationGroupId": "x" * 41}).failures["replicationGroupId"]
    assert "41 characters, 40 are allowed" in reason


@pytest.mark.parametrize("stack", STACKS)
def test_every_name_of_every_stack_fits(stack: str) -> None:
    assert too_long(stack, stack) == []


def test_the_longest_stack_name_that_settings_accept_is_the_longest_that_fits() -> None:
    assert LONGEST_STACK_NAME == 20
    assert too_long("s" * LONGEST_STACK_NAME, "prod") == []
    assert too_long("s" * (LONGEST_STACK_NAME + 1), "prod") != []
