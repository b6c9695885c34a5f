"""Comparison of inputs: with the last deployment's, with what a refresh found, and with the values a thing has."""

from __future__ import annotations

import pytest

from localcloud.aws.types import TYPES
from localcloud.provider.diff import Change, difference, overlaid
from localcloud.provider.schema import Shape
from localcloud.provider.values import (
    UNKNOWN,
    Properties,
    Secret,
    UnsupportedValue,
    Value,
    from_struct,
    redact,
    to_struct,
)

INSTANCE = TYPES["aws:rds/instance:Instance"]
ANY: dict[str, Shape] = {"value": Shape("any"), "tags": Shape("map")}


def changed(olds: Properties, news: Properties, state: Properties | None = None) -> list[tuple[str, str]]:
    return [(change.path, change.kind) for change in difference(INSTANCE, olds, news, state).changes]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"tags": {"a": "1"}}, {"tags": {"a": "1", "b": "2"}}, [("tags.b", "add")]),
        ({"tags": {"a": "1"}}, {}, [("tags", "delete")]),
        ({"vpcSecurityGroupIds": ["a", "b"]}, {"vpcSecurityGroupIds": ["a"]}, [("vpcSecurityGroupIds[1]", "delete")]),
        ({"password": Secret("old")}, {"password": Secret("new")}, [("password", "update")]),
        ({"password": Secret("same")}, {"password": "same"}, []),
        ({"kmsKeyId": "known"}, {"kmsKeyId": UNKNOWN}, [("kmsKeyId", "update")]),
        ({"domain": '{"a": 1, "b": 2}'}, {"domain": '{"b":2,"a":1}'}, []),
    ],
)
def test_a_difference_names_the_path_and_kind(
    before: Properties, after: Properties, expected: list[tuple[str, str]]
) -> None:
    assert changed(before, after) == expected


def test_a_change_that_needs_a_new_thing_says_so() -> None:
    found = difference(INSTANCE, {"storageEncrypted": False}, {"storageEncrypted": True})
    assert found.changes == (Change("storageEncrypted", "update", replaces=True),)
    assert found.replaces


def test_declaring_the_value_a_thing_has_anyway_is_no_change() -> None:
    assert changed({}, {"username": "app"}, {"username": "app"}) == []
    assert changed({}, {"username": "root"}, {"username": "app"}) == [("username", "add")]


def test_no_longer_declaring_what_the_cloud_then_chooses_is_no_change() -> None:
    assert changed({"availabilityZone": "us-east-1a"}, {}) == []
    assert changed({"deletionProtection": True}, {}) == [("deletionProtection", "delete")]


@pytest.mark.parametrize(
    ("declared", "actual", "expected"),
    [
        ("1500", "1500.0", "1500"),
        ({"a": 1}, {"a": 1, "default": True}, {"a": 1}),
        ({"a": 1}, {"a": 2, "default": True}, {"a": 2}),
        (["b", "a"], ["a", "b"], ["b", "a"]),
        ([{"n": 1}, {"n": 2}], [{"n": 2, "d": 0}, {"n": 1, "d": 0}], [{"n": 1}, {"n": 2}]),
        ([{"n": 1}, {"n": 2}], [{"n": 2}, {"n": 3}], [{"n": 3}, {"n": 2}]),
        (["a"], ["a", "by hand"], ["a", "by hand"]),
        (["a", "b"], ["b"], ["b"]),
        ("kept", None, None),
    ],
)
def test_the_truth_is_laid_over_what_was_declared_and_nothing_else(
    declared: Value, actual: Value, expected: Value
) -> None:
    assert overlaid({"value": declared}, {"value": actual}, ANY) == {"value": expected}


def test_a_tag_somebody_added_is_drift_and_an_input_the_api_never_tells_is_kept() -> None:
    inputs: Properties = {"tags": {"a": "1"}, "password": Secret("kept")}
    found = overlaid(inputs, {"tags": {"a": "1", "by": "hand"}}, ANY)
    assert found == {"tags": {"a": "1", "by": "hand"}, "password": Secret("kept")}


@pytest.mark.parametrize(
    "value", [True, 0, 1.5, "", "text", [], ["a", [1]], {"a": {"b": None}}, UNKNOWN, Secret({"a": [UNKNOWN]})]
)
def test_a_value_survives_the_wire(value: Value) -> None:
    back = from_struct(to_struct({"value": value}))["value"]
    assert back == ({"a": {}} if value == {"a": {"b": None}} else value)


def test_an_asset_is_refused() -> None:
    struct = to_struct({"body": {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "x"}})
    with pytest.raises(UnsupportedValue, match="asset"):
        from_struct(struct)


def test_a_secret_hides_in_messages_and_in_its_own_representation() -> None:
    secret: Properties = {"password": Secret("hunter22"), "nested": [{"token": Secret(["token-1"])}]}
    assert redact("hunter22 or token-1 refused", secret) == "[secret] or [secret] refused"
    assert "hunter22" not in repr(secret)
