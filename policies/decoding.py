"""Properties as they travel, decoded in one walk: plain values where all is known, the SDK's proxies where it is not.

The SDK's own way walks every resource three times: to JSON, to values, to proxies. Most resources of an update that
changes nothing hold no unknown value, so plain dictionaries serve their rules at a quarter of the time.
"""

from __future__ import annotations

from typing import Final

from google.protobuf import json_format, struct_pb2
from pulumi_policy import proxy
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY, deserialize_properties
from pulumi_policy.proxy import unknown_checking_proxy

from policies.reading import Properties, Value

UNKNOWN: Final = frozenset(
    (
        proxy.UNKNOWN_ARCHIVE_VALUE,
        proxy.UNKNOWN_ARRAY_VALUE,
        proxy.UNKNOWN_ASSET_VALUE,
        proxy.UNKNOWN_BOOLEAN_VALUE,
        proxy.UNKNOWN_NUMBER_VALUE,
        proxy.UNKNOWN_OBJECT_VALUE,
        proxy.UNKNOWN_STRING_VALUE,
    )
)
"""Sentinels that the engine writes for a value that it does not know yet."""


class _NotPlainError(Exception):
    """The walk met an asset or an archive, which only the SDK decodes."""


def decoded(properties: struct_pb2.Struct) -> Properties:
    """The values of a resource; to read one that is unknown raises UnknownValueError. Secrets are read like others."""
    walk = _Walk()
    try:
        plain: dict[str, Value] = {key: walk.value(one) for key, one in properties.fields.items()}
    except _NotPlainError:
        return unknown_checking_proxy(deserialize_properties(json_format.MessageToDict(properties)))
    return unknown_checking_proxy(plain) if walk.unknown else plain


class _Walk:
    """Walk over the values of one resource, which remembers whether one of them is unknown."""

    def __init__(self) -> None:
        self.unknown = False

    def value(self, one: struct_pb2.Value) -> Value:
        match one.WhichOneof("kind"):
            case "string_value":
                self.unknown = self.unknown or one.string_value in UNKNOWN
                return one.string_value
            case "struct_value":
                return self._object(one.struct_value)
            case "list_value":
                return [self.value(item) for item in one.list_value.values]
            case "bool_value":
                return one.bool_value
            case "number_value":
                # As in JSON: what is whole is written without a point.
                number = one.number_value
                return int(number) if number.is_integer() else number
            case _:
                return None

    def _object(self, struct: struct_pb2.Struct) -> Value:
        fields = struct.fields
        if SPECIAL_SIG_KEY in fields:
            if fields[SPECIAL_SIG_KEY].string_value != SPECIAL_SECRET_SIG:
                raise _NotPlainError
            return self.value(fields["value"])
        return {key: self.value(one) for key, one in fields.items()}
