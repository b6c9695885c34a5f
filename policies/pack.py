"""The rules of the pack. Mandatory unless a stack's configuration relaxes one (requirement Y06).

Every module of ``policies.rules`` has its rules in ``RULES`` and names their ``AREA``: a new file of rules is found
without a list of files.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Final

from policies import rules
from policies.coverage import unread
from policies.rule import Rule

NAME: Final = "contentgen"
VERSION: Final = "1.0.0"
"""Also in PulumiPolicy.yaml, which the engine reads; a test keeps them in step."""

ORDER: Final = (
    *("Headers", "Edge", "Scale", "Capacity", "Workloads", "Namespaces", "Buckets", "Data", "Access", "Cost"),
    *("Resilience", "Recovery", "Regions", "Supply chain"),
)
"""Areas as pages list them; further ones follow by name."""


def found_in(package: ModuleType) -> dict[str, tuple[Rule, ...]]:
    """Rules of every module of a package, by area. Raises TypeError for a module that names no area or has no rules."""
    areas: dict[str, tuple[Rule, ...]] = {}
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        area, its = getattr(module, "AREA", None), getattr(module, "RULES", None)
        if not isinstance(area, str) or not isinstance(its, tuple) or not its:
            raise TypeError(f"{found.name}: AREA is {area!r} and RULES is {its!r}; give a text and a tuple of rules")
        areas[area] = (*areas.get(area, ()), *its)
    known = {area: place for place, area in enumerate(ORDER)}
    return dict(sorted(areas.items(), key=lambda one: (known.get(one[0], len(known)), one[0])))


_READING: Final = found_in(rules)
AREAS: Final[dict[str, tuple[Rule, ...]]] = {
    **_READING,
    "Coverage": (unread([rule for its in _READING.values() for rule in its]),),
}
RULES: Final[tuple[Rule, ...]] = tuple(rule for its in AREAS.values() for rule in its)
