"""Diff: what a change of inputs means for a thing that exists, and how the cloud's truth is laid over inputs. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from localcloud.provider.block import Block
from localcloud.provider.resource import ResourceType, Scope
from localcloud.provider.schema import Shape
from localcloud.provider.values import DEFAULTS, Properties, Value, reveal_all

ChangeKind = Literal["add", "delete", "update"]


@dataclass(frozen=True)
class Change:
    """One changed input, by its path (`rules[0].status`)."""

    path: str
    kind: ChangeKind
    replaces: bool


@dataclass(frozen=True)
class Difference:
    """All changed inputs of one resource."""

    changes: tuple[Change, ...]
    delete_first: bool
    """The replacement would carry the very name of the old thing, so the old one has to go first."""

    @property
    def replaces(self) -> bool:
        """True if any change needs a new thing."""
        return any(change.replaces for change in self.changes)


def difference(
    resource: ResourceType[Scope], olds: Properties, news: Properties, state: Properties | None = None
) -> Difference:
    """Compare the inputs of the last deployment (or of a refresh) with those of the program now.

    As in the official providers, two changes of a declaration are none of the thing: declaring the value it has anyway
    (which `state` tells), and no longer declaring what the cloud then chooses itself.
    """
    before, after, outputs = reveal_all(olds), reveal_all(news), reveal_all(state or {})
    changes = tuple(
        Change(path, kind, replaces=name in resource.replace_on)
        for name in sorted({*before, *after} - {DEFAULTS})
        if not (name not in after and name in resource.also_computed)
        and not (name not in before and name in outputs and _holds(outputs[name], after[name]))
        for path, kind in _changes(name, before.get(name), after.get(name))
    )
    return Difference(changes, delete_first=_keeps_identity(resource, before, after))


def _holds(actual: Value, declared: Value) -> bool:
    return _true_value(declared, actual, whole=False) == declared


def _keeps_identity(resource: ResourceType[Scope], before: Properties, after: Properties) -> bool:
    rule = resource.auto_name
    if rule and rule.property in Block(after).texts(DEFAULTS):
        return False
    identity = resource.identity or ((rule.property,) if rule else ())
    return bool(identity) and all(before.get(name) == after.get(name) for name in identity)


def _changes(path: str, before: Value, after: Value) -> Iterator[tuple[str, ChangeKind]]:
    if before == after or same_document(before, after):
        return
    match before, after:
        case None, _:
            yield path, "add"
        case _, None:
            yield path, "delete"
        case dict(), dict():
            for key in sorted({*before, *after}):
                yield from _changes(f"{path}.{key}", before.get(key), after.get(key))
        case list(), list():
            longest = max(len(before), len(after))
            for index in range(longest):
                yield from _changes(f"{path}[{index}]", _item(before, index), _item(after, index))
        case _:
            yield path, "update"


def _item(items: list[Value], index: int) -> Value:
    return items[index] if index < len(items) else None


def same_document(one: Value, other: Value) -> bool:
    """True if two texts are the same JSON document written differently, as policies come back from an API."""
    if not (
        isinstance(one, str) and isinstance(other, str) and one.startswith(("{", "[")) and other.startswith(("{", "["))
    ):
        return False
    try:
        return json.loads(one) == json.loads(other)
    except json.JSONDecodeError:
        return False


def overlaid(inputs: Properties, truth: Mapping[str, Value], shapes: Mapping[str, Shape]) -> Properties:
    """The inputs as the cloud has them now: each declared value replaced by the true one where the API tells it.

    Only what was declared is compared, because an API adds defaults of its own; maps (tags) are taken whole, because a
    key added by hand is drift.
    """
    return {
        name: _true_value(declared, truth[name], whole=shapes.get(name, _ANY).kind == "map")
        if name in truth
        else declared
        for name, declared in inputs.items()
    }


_ANY = Shape("any")


def _true_value(declared: Value, actual: Value, *, whole: bool) -> Value:
    if declared == actual or same_document(declared, actual) or _same_number(declared, actual):
        return declared
    match declared, actual:
        case dict(), dict() if not whole:
            return {
                key: _true_value(value, actual[key], whole=False) for key, value in declared.items() if key in actual
            }
        case list(), list():
            return _true_items(declared, actual)
        case _:
            return actual


def _true_items(declared: list[Value], actual: list[Value]) -> list[Value]:
    """Items in the declared order where the cloud has them; what it has instead takes the places that are left."""
    others = list(actual)
    result: list[Value] = []
    for item in declared:
        match = next((other for other in others if _true_value(item, other, whole=False) == item), None)
        if match is not None:
            others.remove(match)
        result.append(item if match is not None else None)
    filled = [
        _true_value(item, others.pop(0), whole=False) if kept is None and others else kept
        for item, kept in zip(declared, result, strict=True)
    ]
    return [item for item in filled if item is not None] + others


def _same_number(declared: Value, actual: Value) -> bool:
    if not isinstance(declared, str | int | float) or not isinstance(actual, str | int | float):
        return False
    try:
        return float(declared) == float(actual)
    except ValueError:
        return False
