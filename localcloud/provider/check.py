"""Check: the inputs of one resource against its schema, with names and defaults filled in. Pure."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from localcloud.provider.block import Block
from localcloud.provider.resource import AutoName, Problem, ResourceType, Scope
from localcloud.provider.schema import Schema, Shape
from localcloud.provider.values import DEFAULTS, Properties, Unknown, Value, reveal

SUFFIX_DIGITS = 7
"""Hexadecimal digits of an automatic name, as in the official plugins."""


@dataclass(frozen=True)
class Naming:
    """Automatic naming by the engine: a seed, and perhaps a name it proposes or a ban."""

    logical_name: str
    seed: bytes
    proposed: str = ""
    disabled: bool = False


def unique_name(rule: AutoName, naming: Naming) -> str:
    """The name for a thing the program left unnamed. The same seed gives the same name, so a retry finds its thing.

    As in the official plugins it is never cut: `problems` refuses one that is too long.
    """
    if naming.proposed:
        return naming.proposed
    seed = naming.seed or secrets.token_bytes(16)
    suffix = "-" + hashlib.sha256(seed).hexdigest()[:SUFFIX_DIGITS]
    stem = naming.logical_name.lower() if rule.lower else naming.logical_name
    return rule.prefix + stem + suffix


def filled(resource: ResourceType[Scope], news: Properties, olds: Properties, naming: Naming) -> Properties:
    """The inputs with automatic name and defaults; `__defaults` names what was filled in, so a later run keeps it."""
    inputs: Properties = {key: value for key, value in news.items() if key != DEFAULTS and value is not None}
    own: list[Value] = []
    rule = resource.auto_name
    if rule and rule.property not in inputs and not naming.disabled:
        kept = olds.get(rule.property) if rule.property in Block(olds).texts(DEFAULTS) else None
        inputs[rule.property] = kept or unique_name(rule, naming)
        own.append(rule.property)
    for name, value in resource.defaults.items():
        if name not in inputs:
            inputs[name] = value
            own.append(name)
    return {**inputs, DEFAULTS: own}


def problems(resource: ResourceType[Scope], inputs: Properties) -> Iterator[Problem]:
    """Everything wrong with the inputs: unknown, unsupported, missing, of the wrong kind, or against a rule."""
    declared = {key: reveal(value) for key, value in inputs.items() if key not in (DEFAULTS, "tagsAll")}
    wrong = [*_schema_problems(resource, declared), *_name_problems(resource, declared)]
    yield from wrong
    if not wrong:
        yield from resource.problems(Block(declared))


def _name_problems(resource: ResourceType[Scope], declared: Mapping[str, Value]) -> Iterator[Problem]:
    rule = resource.auto_name
    name = declared.get(rule.property) if rule else None
    if rule and isinstance(name, str) and len(name) > rule.longest:
        yield Problem(
            rule.property,
            f"{resource.token}: {rule.property} {name!r} has {len(name)} characters, {rule.longest} are allowed "
            f"({rule.source}); an automatic name is the logical name and {SUFFIX_DIGITS + 1} more. "
            f"Fix: give the resource a shorter logical name",
        )


def _schema_problems(resource: ResourceType[Scope], declared: Mapping[str, Value]) -> Iterator[Problem]:
    schema = resource.schema
    for name, value in declared.items():
        if name not in schema.inputs:
            yield Problem(name, f"{schema.token} has no property {name!r}; it has {', '.join(sorted(schema.inputs))}")
        elif name not in resource.inputs:
            allowed = ", ".join(sorted(resource.inputs))
            yield Problem(
                name,
                f"{schema.token}: the stand-in does not carry out {name!r}, so it refuses it rather than "
                f"drop it; it carries out {allowed}",
            )
        else:
            yield from _shape_problems(schema, schema.inputs[name], name, value)
    for name, shape in schema.inputs.items():
        if shape.required and declared.get(name) is None:
            yield Problem(name, f"{schema.token} needs {name!r}")


def _shape_problems(schema: Schema, shape: Shape, path: str, value: Value) -> Iterator[Problem]:
    match shape.kind, value:
        case (_, None | Unknown()) | ("any", _) | ("text" | "number" | "flag", str()):
            return
        case ("text", bool() | int() | float()) | ("flag", bool()):
            return
        case "number", int() | float() if not isinstance(value, bool):
            return
        case "list", list():
            for index, item in enumerate(value):
                if shape.item:
                    yield from _shape_problems(schema, shape.item, f"{path}[{index}]", item)
        case "map", dict():
            for key, item in value.items():
                if shape.item:
                    yield from _shape_problems(schema, shape.item, f"{path}.{key}", item)
        case "block", dict():
            yield from _block_problems(schema, shape.block, path, value)
        case _:
            yield Problem(path, f"{schema.token}: {path} is {value!r}; it must be a {shape.kind}")


def _block_problems(schema: Schema, block: str, path: str, value: Mapping[str, Value]) -> Iterator[Problem]:
    properties = schema.block(block)
    for name, item in value.items():
        if name == DEFAULTS:
            continue
        if name not in properties:
            yield Problem(
                f"{path}.{name}",
                f"{schema.token}: {path} has no property {name!r}; it has {', '.join(sorted(properties))}",
            )
        else:
            yield from _shape_problems(schema, properties[name], f"{path}.{name}", item)
    for name, shape in properties.items():
        if shape.required and value.get(name) is None:
            yield Problem(f"{path}.{name}", f"{schema.token}: {path} needs {name!r}")
