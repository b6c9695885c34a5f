"""Reading a resource's properties safely. They arrive as the SDK's proxies: not dict, not list, but Mapping and
Sequence, and a value that is unknown at preview raises when it is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "Mapping[str, Value] | Sequence[Value] | str | float | bool | None"
Properties: TypeAlias = Mapping[str, Value]

_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def mapping(value: Value) -> Properties:
    """The value when it is a mapping, else an empty one: what is absent has no properties."""
    return value if isinstance(value, Mapping) else {}


def items(value: Value) -> Sequence[Value]:
    """The value when it is a list, else an empty one."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def at(properties: Properties, *path: str) -> Value:
    """The value at a path of keys; None where a step is absent."""
    value: Value = properties
    for key in path:
        value = mapping(value).get(key)
    return value


def text(value: Value) -> str:
    """A string as it is, anything else as nothing."""
    return value if isinstance(value, str) else ""


def number(value: Value) -> float | None:
    """A number, also one written as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(text(value))
    except ValueError:
        return None


def quantity(value: Value) -> float | None:
    """Bytes of a Kubernetes quantity such as 512Mi; None when it is not one."""
    written = text(value)
    for unit, factor in _UNITS.items():
        if written.endswith(unit):
            amount = number(written.removesuffix(unit))
            return None if amount is None else amount * factor
    return number(value)
