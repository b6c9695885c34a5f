"""Every product by its name: the one line that adds a product to settings, policies, costs, pages and tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from stacks.products.blog_ai.blueprint import BLUEPRINT as BLOG_AI
from stacks.products.blueprint import Blueprint
from stacks.products.content_generation.blueprint import BLUEPRINT as CONTENT_GENERATION
from stacks.products.contradictions import contradictions
from stacks.products.recipe_app.blueprint import BLUEPRINT as RECIPE_APP
from stacks.products.video_gateway.blueprint import BLUEPRINT as VIDEO_GATEWAY
from stacks.products.workflow_dashboard.blueprint import BLUEPRINT as WORKFLOW_DASHBOARD


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


PRODUCTS: Final = registered((CONTENT_GENERATION, WORKFLOW_DASHBOARD, BLOG_AI, RECIPE_APP, VIDEO_GATEWAY))
