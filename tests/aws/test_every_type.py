"""Every resource type of the stand-in, through every step the engine takes with it, against the running server."""

from __future__ import annotations

import importlib
import json
import pkgutil

import pytest
from pulumi.runtime.proto import provider_pb2

from localcloud.aws.types import TYPES
from localcloud.provider.values import UNKNOWN, Properties, Value, reveal, reveal_all
from tests import aws
from tests.aws import storage_cases
from tests.aws.cases import Case
from tests.aws.driver import Made, declared
from tests.aws.world import World

CASES: dict[str, Case] = {
    case.token: case
    for one in pkgutil.iter_modules(aws.__path__)
    if one.name.endswith("_cases")
    for case in importlib.import_module(f"tests.aws.{one.name}").CASES
}
every_type = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_every_type_of_the_table_has_a_case() -> None:
    assert set(CASES) == set(TYPES)


def same(one: Value, other: Value) -> bool:
    """Equal, or the same JSON document."""
    if isinstance(one, str) and isinstance(other, str) and one.startswith("{"):
        return json.loads(one) == json.loads(other)
    return one == other


def assert_there(world: World, case: Case, made: Made, wanted: Properties) -> None:
    """Assert that boto3 sees the resource as it was declared."""
    seen = case.observe(world, made)
    assert seen, "the case observes nothing"
    for name, value in seen.items():
        if name in wanted:
            assert same(value, wanted[name]), f"{case.token} {name}: {value!r}, declared {wanted[name]!r}"


@every_type
def test_a_preview_knows_the_inputs_and_no_computed_output(world: World, case: Case) -> None:
    inputs = case.declare(world)
    outputs = world.driver.preview(case.token, world.name("thing"), inputs)
    assert {name: reveal(outputs[name]) for name in inputs} == inputs
    computed = TYPES[case.token].schema.computed - {"tagsAll"}
    assert {name for name in computed if outputs[name] != UNKNOWN} == set()


@every_type
def test_what_is_declared_is_there_and_stays_so_through_a_refresh(world: World, case: Case) -> None:
    inputs = case.declare(world)
    made = world.make(case.token, "thing", inputs)
    assert made.id
    assert_there(world, case, made, inputs)
    refreshed = world.driver.refresh(made)
    assert refreshed is not None
    assert world.driver.diff(refreshed, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE, (
        "a refresh of an untouched thing shows a change"
    )
    assert refreshed.state == made.state


@every_type
def test_a_change_in_place_arrives(world: World, case: Case) -> None:
    inputs = case.declare(world)
    made = world.make(case.token, "thing", inputs)
    change = case.change or {"targetKeyId": storage_cases.key(world)}
    wanted = {**inputs, **change}
    found = world.driver.diff(made, wanted)
    assert set(change) <= set(found.diffs)
    assert list(found.replaces) == []
    changed = world.driver.update(made, wanted)
    assert changed.id == made.id
    assert_there(world, case, changed, wanted)


@every_type
def test_a_change_of_identity_is_a_replacement(world: World, case: Case) -> None:
    inputs = case.declare(world)
    made = world.make(case.token, "thing", inputs)
    found = world.driver.diff(made, {**inputs, **case.replace})
    assert set(found.replaces) == set(case.replace)
    kinds = {provider_pb2.PropertyDiff.Kind.Name(detail.kind) for detail in found.detailedDiff.values()}
    assert kinds, "no detailed diff"
    assert {kind for kind in kinds if not kind.endswith("_REPLACE")} == set()


@every_type
def test_drift_is_seen_and_undone(world: World, case: Case) -> None:
    inputs = {**case.declare(world), **case.change}
    made = world.make(case.token, "thing", inputs)
    case.drift(world, made)
    drifted = world.driver.refresh(made)
    assert drifted is not None
    assert not same(declared(drifted.inputs).get(case.drifted), inputs[case.drifted]), "the drift is not seen"
    repaired = world.driver.update(drifted, inputs)
    assert_there(world, case, repaired, inputs)


@every_type
def test_a_deleted_thing_is_gone_and_deleting_it_again_is_no_error(world: World, case: Case) -> None:
    made = world.make(case.token, "thing", case.declare(world))
    world.driver.delete(made)
    if case.remove_parent:
        case.remove_parent(world, made)
    assert world.driver.refresh(made) is None
    world.driver.delete(made)


@every_type
def test_a_thing_is_imported_by_its_id(world: World, case: Case) -> None:
    inputs = case.declare(world)
    made = world.make(case.token, "thing", inputs)
    imported = world.driver.adopt(case.token, world.name("thing"), made.id)
    assert imported is not None
    assert imported.id == made.id
    found = reveal_all(imported.inputs)
    unset = ("", [], {}, False)
    readable = {name: inputs[name] for name in case.observe(world, made) if name in inputs and name != "tags"}
    assert {name for name, value in readable.items() if value not in unset and not same(found[name], value)} == set()
