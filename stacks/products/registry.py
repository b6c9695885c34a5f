"""Every product by its name: each folder here that has a blueprint, for settings, policies, costs, pages and tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final

from infra.settings.stack import DEFAULT_PRODUCT
from stacks.products.blueprint import Blueprint
from stacks.products.contradictions import contradictions

HERE: Final = Path(__file__).resolve().parent


class BlueprintError(Exception):
    """Products contradict themselves; the message has one line for each problem."""


def registered(blueprints: Iterable[Blueprint]) -> Mapping[str, Blueprint]:
    """The products by name. Raises BlueprintError with everything in which any of them contradicts itself."""
    known: dict[str, Blueprint] = {}
    problems: list[str] = []
    for one in blueprints:
        for field in ("name", "short", "namespace"):
            others = [other.name for other in known.values() if getattr(other, field) == getattr(one, field)]
            if others:
                value = getattr(one, field)
                problems.append(f"{one.name}: {field} is {value!r}, as of {others[0]}; give each product its own")
        known[one.name] = one
        problems += contradictions(one)
    if problems:
        raise BlueprintError("\n".join(problems))
    return MappingProxyType(known)


def found() -> Iterator[Blueprint]:
    """The blueprint of each folder, that of the default product first."""
    folders = sorted(file.parent.name for file in HERE.glob("*/blueprint.py"))
    default = DEFAULT_PRODUCT.replace("-", "_")
    for folder in sorted(folders, key=lambda name: name != default):
        blueprint = import_module(f"{__package__}.{folder}.blueprint").BLUEPRINT
        assert isinstance(blueprint, Blueprint)
        yield blueprint


PRODUCTS: Final = registered(found())
