"""Properties are decoded as the SDK decodes them, whatever is in them; what is unknown raises when it is read."""

from __future__ import annotations

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy.deserialize import deserialize_properties
from pulumi_policy.proxy import UnknownValueError

from policies.decoding import UNKNOWN, decoded
from policies.reading import Value, plain
from policies.testing import secret
from tests.policies.test_properties import LEAF

# What the wire cannot carry, JSON has no word for either.
FINITE = LEAF.filter(lambda one: one not in (float("inf"), float("-inf")))
VALUES = st.recursive(
    FINITE | st.builds(secret, FINITE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def wire(values: dict[str, Value]) -> struct_pb2.Struct:
    return json_format.ParseDict(values, struct_pb2.Struct())


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
def test_known_values_are_what_the_sdk_makes_of_them(values: dict[str, Value]) -> None:
    message = wire(values)
    assert plain(decoded(message)) == deserialize_properties(json_format.MessageToDict(message))


@pytest.mark.parametrize("unknown", sorted(UNKNOWN))
def test_an_unknown_value_raises_when_it_is_read_and_not_before(unknown: str) -> None:
    found = decoded(wire({"spec": {"items": [{"a": 1}, {"name": unknown}]}}))
    inner = found["spec"]["items"][1]  # type: ignore[index,call-overload]
    assert list(inner) == ["name"]
    with pytest.raises(UnknownValueError):
        inner["name"]


def test_an_unknown_secret_raises_too() -> None:
    found = decoded(wire({"password": secret(min(UNKNOWN))}))
    with pytest.raises(UnknownValueError):
        found["password"]


def test_an_asset_is_the_sdks_own() -> None:
    asset = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "hello"}
    assert type(decoded(wire({"file": asset}))["file"]).__name__ == "StringAsset"
