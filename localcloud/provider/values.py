"""Property values as the engine sends them: plain data, secrets, and values not known before the deployment.

The wire is a protobuf Struct in which secrets and unknown values are marked by signatures of the Pulumi SDK. Inside the
provider a secret is a `Secret` and an unknown value is `UNKNOWN`, so neither can be mistaken for text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from google.protobuf import struct_pb2

SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
DEFAULTS = "__defaults"
"""The input that names the properties the provider filled in itself (the same name as in the official plugins)."""

SHORTEST_REDACTED = 4
"""Characters. A shorter secret is not searched for in messages: it would blot out ordinary words."""


@dataclass(frozen=True)
class Unknown:
    """A value that only the deployment will know. There is one instance, `UNKNOWN`."""


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value the engine encrypts in state and hides in every output. Its text never shows in a representation."""

    value: Value = field(repr=False)


Value: TypeAlias = "bool | int | float | str | Unknown | Secret | list[Value] | dict[str, Value] | None"
Properties: TypeAlias = dict[str, Value]


class UnsupportedValue(ValueError):
    """A value kind (asset, archive, resource reference) that no resource type of ours takes."""


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """The properties a message of the engine carries. Raises `UnsupportedValue` for assets and references."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def to_struct(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    """The message form of properties; None is left out, as the engine does with absent values."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        if value is not None:
            struct.fields[key].CopyFrom(_to_value(value))
    return struct


def reveal(value: Value) -> Value:
    """The value without secret marks, for the call to the cloud and for comparisons. Unknown values stay."""
    match value:
        case Secret(inner):
            return reveal(inner)
        case list():
            return [reveal(item) for item in value]
        case dict():
            return {key: reveal(item) for key, item in value.items()}
        case _:
            return value


def reveal_all(properties: Mapping[str, Value]) -> Properties:
    """`reveal` for a whole set of properties."""
    return {key: reveal(value) for key, value in properties.items()}


def holds_secret(value: Value) -> bool:
    """True if a secret stands anywhere in the value."""
    match value:
        case Secret():
            return True
        case list():
            return any(holds_secret(item) for item in value)
        case dict():
            return any(holds_secret(item) for item in value.values())
        case _:
            return False


def holds_unknown(value: Value) -> bool:
    """True if anything in the value is not known yet."""
    match value:
        case Unknown():
            return True
        case Secret(inner):
            return holds_unknown(inner)
        case list():
            return any(holds_unknown(item) for item in value)
        case dict():
            return any(holds_unknown(item) for item in value.values())
        case _:
            return False


def redact(text: str, *sources: Value) -> str:
    """The text with every secret of the sources replaced: cloud services quote their parameters in error messages."""
    for source in sources:
        for secret in _secret_texts(source, inside=False):
            if len(secret) >= SHORTEST_REDACTED:
                text = text.replace(secret, "[secret]")
    return text


def _secret_texts(value: Value, *, inside: bool) -> Iterator[str]:
    match value:
        case Secret(inner):
            yield from _secret_texts(inner, inside=True)
        case list():
            for item in value:
                yield from _secret_texts(item, inside=inside)
        case dict():
            for item in value.values():
                yield from _secret_texts(item, inside=inside)
        case str() if inside:
            yield value
        case _:
            return


def _from_value(value: struct_pb2.Value) -> Value:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _from_object(value.struct_value)
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "string_value":
            return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _from_object(struct: struct_pb2.Struct) -> Value:
    if SIGNATURE_KEY not in struct.fields:
        return from_struct(struct)
    signature = struct.fields[SIGNATURE_KEY].string_value
    if signature != SECRET_SIGNATURE:
        raise UnsupportedValue(
            f"a value with signature {signature} (asset, archive or reference); plain data and secrets are taken"
        )
    return Secret(_from_value(struct.fields["value"]))


def _to_value(value: Value) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Unknown():
            return struct_pb2.Value(string_value=UNKNOWN_TEXT)
        case Secret(inner):
            marked = struct_pb2.Struct()
            marked.fields[SIGNATURE_KEY].string_value = SECRET_SIGNATURE
            marked.fields["value"].CopyFrom(_to_value(inner))
            return struct_pb2.Value(struct_value=marked)
        case list():
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_to_value(item) for item in value]))
        case dict():
            return struct_pb2.Value(struct_value=to_struct(value))
