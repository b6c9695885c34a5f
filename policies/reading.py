"""Reading a resource's properties safely. They arrive as the SDK's proxies: not dict, not list, but Mapping and
Sequence, and a value that is unknown at preview raises when it is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import TypeAlias

from pulumi_policy.proxy import UnknownValueError

Value: TypeAlias = "Mapping[str, Value] | Sequence[Value] | str | float | bool | None"
Properties: TypeAlias = Mapping[str, Value]

_UNITS = {
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
    "Ei": 2**60,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "E": 10**18,
}
"""Suffixes of a Kubernetes quantity (apimachinery, resource.Quantity)."""


def mapping(value: Value) -> Properties:
    """The value when it is a mapping, else an empty one: what is absent has no properties."""
    return value if type(value) is dict or isinstance(value, Mapping) else {}


def items(value: Value) -> Sequence[Value]:
    """The value when it is a list, else an empty one."""
    return value if type(value) is list or (isinstance(value, Sequence) and not isinstance(value, str)) else ()


def is_mapping(value: Value) -> bool:
    """True if the value is an object, also behind a proxy."""
    return isinstance(value, Mapping)


def mappings(value: Value) -> list[Properties]:
    """The mappings of a list."""
    return [mapping(one) for one in items(value)]


def at(properties: Properties, *path: str) -> Value:
    """The value at a path of keys; None where a step is absent."""
    value: Value = properties
    for key in path:
        value = mapping(value).get(key)
    return value


def text(value: Value) -> str:
    """A string as it is, anything else as nothing."""
    return value if isinstance(value, str) else ""


def texts(value: Value) -> list[str]:
    """The strings of a list."""
    return [text(one) for one in items(value)]


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
    """A Kubernetes quantity such as 512Mi or 250m as a number; None when it is not one."""
    written = text(value)
    for unit, factor in _UNITS.items():
        if written.endswith(unit):
            amount = number(written.removesuffix(unit))
            return None if amount is None else amount * factor
    return number(value)


def states(properties: Properties, key: str) -> bool:
    """True if a property is given at all, even one whose value only the cloud knows."""
    return key in properties if type(properties) is dict else any(one == key for one in properties)


_LEFT: ContextVar[list[str] | None] = ContextVar("left_to_the_update", default=None)


class noting:  # noqa: N801 - used as a function
    """Within it, the properties that ``later`` could not read: what a rule says then is not all there is to say."""

    def __enter__(self) -> list[str]:
        self._left: list[str] = []
        self._token = _LEFT.set(self._left)
        return self._left

    def __exit__(self, *_: object) -> None:
        _LEFT.reset(self._token)


def later(properties: Properties, key: str) -> Value:
    """A property that a preview may not know yet, then None. The update asks again, before anything is applied.

    Only for what no program can state beforehand, such as a policy document that names the resource it belongs to.
    """
    try:
        return properties.get(key)
    except UnknownValueError:
        left = _LEFT.get()
        if left is not None:
            left.append(key)
        return None


def plain(value: Value) -> Value:
    """A copy without proxies and other kinds of mappings and sequences: dictionaries and lists."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(one) for one in value]
    return value


def shown(value: Value) -> str:
    """A value in a message; nothing at all reads as such."""
    return "absent" if value is None else f"{value:g}" if isinstance(value, float) else repr(plain(value))
