"""docs/settings.md: every key a stack file may have, what environments are, and the limits of each product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Final

from infra.catalog.units import GIBIBYTE
from infra.settings.stack import NAMESPACE
from infra.settings.value_types import IN_WORDS
from ops.schema import Json, Node, node, stack_file_schema
from stacks.policy_config import LEVELS
from stacks.products.blueprint import Blueprint
from stacks.products.registry import PRODUCTS
from stacks.specs.profile import PostgresProfile, Profile, RedisProfile, Size

PROFILED: Final = ("services", "postgres", "redis", "backup", "budget")
"""Sections whose values come from the environment's profile when a stack file does not give them."""

LIMITED: Final = ("services", "postgres")
"""Sections whose values have their upper bounds from the product's limits."""

INTRODUCTION: Final = f"""# Settings of a stack

Generated from the settings model by `make generated`. A stack file `Pulumi.<stack>.yaml` holds only what is special
about its stack: three keys are required, everything else comes from the profile of its environment. A wrong value is
refused before anything is changed, with every other wrong one. `contentgen check` reads all files without deploying.
Keys are written below `config:` with the prefix `{NAMESPACE}:`; a dot goes one level down.
"""


def settings_page() -> str:
    """The whole page."""
    schema = stack_file_schema()
    definitions = node(schema["$defs"])
    config = node(node(schema["properties"])["config"])
    required = config["required"]
    keys = _table(
        ("key", "type", "default", "allowed", "what"),
        list(_keys(node(config["properties"]), definitions, required if isinstance(required, list) else [])),
    )
    return "\n".join(
        [
            INTRODUCTION,
            "## Keys\n",
            *keys,
            "\n## Environments\n",
            "What `contentgen:environment` chooses. Sizes of services are instances a region, and the limit of one.\n",
            *(line for product in PRODUCTS.values() for line in _environments(product)),
            "\n## Limits\n",
            "Stated once in a product's blueprint. Settings, autoscalers and the policy pack refuse more.\n",
            *_table(("product", "instances", "memory of one", "storage", "connections"), list(_limits())),
            "",
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]


def _keys(settings: Node, definitions: Node, required: Sequence[Json]) -> Iterator[tuple[str, ...]]:
    for name, value in settings.items():
        key, one = name.removeprefix(f"{NAMESPACE}:"), node(value)
        section = _section(one, definitions)
        if section is None:
            default = "required" if name in required else _default(one, "none")
            yield (f"`{key}`", _type(one, definitions), default, _allowed(one, definitions), _what(one))
            continue
        prefix = {"services": "services.<service>", "clusters": "clusters.<region>"}.get(key, key)
        absent = "profile" if key in PROFILED else "none"
        for field, inner in node(section["properties"]).items():
            part = node(inner)
            type_ = _type(part, definitions)
            default = _default(part, "none" if type_ == "list" else absent)
            allowed = _allowed(part, definitions)
            bounded = key in LIMITED and allowed.startswith("at least")
            yield (f"`{prefix}.{field}`", type_, default, f"{allowed}, see limits" if bounded else allowed, _what(part))


def _section(one: Node, definitions: Node) -> Node | None:
    """The definition behind a key that holds a group of keys, or a group by name."""
    inner = one.get("additionalProperties")
    reference = one.get("$ref") or (inner.get("$ref") if isinstance(inner, dict) else None)
    found = node(definitions[reference.rpartition("/")[2]]) if isinstance(reference, str) else {}
    return found if "properties" in found else None


def _meant(one: Node, definitions: Node) -> Node:
    """The part of a schema that says what a value may be: behind a reference, and beside null."""
    choices = one.get("anyOf")
    if isinstance(choices, list):
        return _meant(next(node(choice) for choice in choices if node(choice).get("type") != "null"), definitions)
    reference = one.get("$ref")
    return node(definitions[reference.rpartition("/")[2]]) if isinstance(reference, str) else one


def _type(one: Node, definitions: Node) -> str:
    meant = _meant(one, definitions)
    names = {
        "string": "text",
        "integer": "whole number",
        "boolean": "true or false",
        "array": "list",
        "object": "mapping",
    }
    return names[str(meant["type"])]


def _allowed(one: Node, definitions: Node) -> str:
    meant = _meant(one, definitions)
    if meant.get("type") == "array":
        meant = node(meant["items"])
    choices = meant.get("enum")
    if isinstance(choices, list):
        return ", ".join(map(str, choices))
    if "pattern" in meant:
        return IN_WORDS[str(meant["pattern"])]
    least, most = meant.get("minimum"), meant.get("maximum")
    if least is not None:
        return f"{least} to {most}" if most is not None else f"at least {least}"
    return ""


def _default(one: Node, absent: str) -> str:
    default = one.get("default")
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"`{default}`" if isinstance(default, str | int) else absent


def _what(one: Node) -> str:
    return str(one.get("description", "")).replace("<", "&lt;")


def _environments(product: Blueprint) -> list[str]:
    return [f"### {product.name}\n", *_table(("", *product.environments), list(_profiles(product))), ""]


def _profiles(product: Blueprint) -> Iterator[tuple[str, ...]]:
    """A line for every value of a profile, with the environments beside each other."""
    all_ = list(product.profiles.values())
    for service in all_[0].services:
        sizes = [profile.services[service] for profile in all_]
        yield (f"{service}: instances", *(f"{size.minimum} to {size.maximum}" for size in sizes))
        for field in fields(Size)[2:]:
            yield (f"{service}: {field.name}", *(_cell(getattr(size, field.name)) for size in sizes))
    for field in fields(PostgresProfile):
        yield (f"postgres: {field.name}", *(_cell(getattr(profile.postgres, field.name)) for profile in all_))
    for field in fields(RedisProfile):
        yield (f"redis: {field.name}", *(_cell(getattr(profile.redis, field.name)) for profile in all_))
    for name in [field.name for field in fields(Profile) if field.name not in ("services", "postgres", "redis")]:
        yield (name, *(_cell(getattr(profile, name)) for profile in all_))
    yield ("policies", *(LEVELS[environment] for environment in product.profiles))


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{value}`" if isinstance(value, str) else str(value)


def _limits() -> Iterator[tuple[str, ...]]:
    for product in PRODUCTS.values():
        limits = product.limits
        instances = ", ".join(f"{name} {most}" for name, most in limits.instances.items())
        memory, storage = f"{limits.memory_bytes // GIBIBYTE}Gi", f"{limits.storage_gb} GB"
        yield (product.name, instances, memory, storage, str(limits.database_connections))
