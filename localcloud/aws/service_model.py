"""Requests to AWS held against botocore's own service model: enumerations, patterns, lengths and ranges.

botocore itself checks types and least lengths alone; the service refuses the rest, and moto accepts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from botocore.model import ListShape, MapShape, Shape, StructureShape


def refusals(shape: Shape | None, parameters: Mapping[str, object]) -> list[str]:
    """Everything in a request that the service's model does not allow, with path, value and what is allowed."""
    return [] if shape is None else list(_wrong(shape, parameters, ""))


def _wrong(shape: Shape, value: object, path: str) -> Iterator[str]:
    if value is None:
        return
    match shape, value:
        case StructureShape(), Mapping():
            for name, member in shape.members.items():
                yield from _wrong(member, value.get(name), f"{path}.{name}" if path else name)
        case ListShape(), list() | tuple():
            yield from _outside(shape, len(value), path, f"{len(value)} items", "items")
            for index, item in enumerate(value):
                yield from _wrong(shape.member, item, f"{path}[{index}]")
        case MapShape(), Mapping():
            for key, item in value.items():
                yield from _wrong(shape.key, key, f"{path}, key {key!r}")
                yield from _wrong(shape.value, item, f"{path}.{key}")
        case Shape(type_name="string"), str():
            yield from _text(shape, value, path)
        case Shape(type_name="integer" | "long" | "float" | "double"), int() | float():
            yield from _outside(shape, value, path, str(value), "")


def _text(shape: Shape, value: str, path: str) -> Iterator[str]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield f"{path} is {_shown(shape, value)}; allowed are {', '.join(allowed)}"
    yield from _outside(shape, len(value), path, _shown(shape, value), "characters")
    pattern = _compiled(shape.metadata.get("pattern"))
    if pattern is not None and pattern.fullmatch(value) is None:
        yield f"{path} is {_shown(shape, value)}; it must match {pattern.pattern}"


def _outside(shape: Shape, size: float, path: str, shown: str, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < float(least)) or (most is not None and size > float(most)):
        ends = f"{'any' if least is None else least} to {'any' if most is None else most}"
        yield f"{path} is {shown}; allowed are {ends} {unit}".rstrip()


def _shown(shape: Shape, value: str) -> str:
    return "[secret]" if shape.metadata.get("sensitive") else repr(value[:100])


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    """None for no pattern, and for one in a dialect that Python does not have."""
    if pattern is None:
        return None
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None
