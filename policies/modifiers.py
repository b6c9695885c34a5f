"""Modifiers of response headers: what one place of a proxy sets, adds and removes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from policies.pods import object_name
from policies.reading import Properties, at, mapping, mappings, number, text
from policies.rule import Resource

MIDDLEWARE: Final = "kubernetes:traefik.io/v1alpha1:Middleware"
DEEPEST: Final = 10
"""Chains of middlewares within chains that are followed; one that holds itself has no end."""
FIXED: Final[Mapping[str, tuple[str, str]]] = {
    "frameDeny": ("x-frame-options", "DENY"),
    "contentTypeNosniff": ("x-content-type-options", "nosniff"),
    "browserXssFilter": ("x-xss-protection", "1; mode=block"),
}
"""Switches of Traefik's headers middleware and what they send."""
GIVEN: Final[Mapping[str, str]] = {
    "customFrameOptionsValue": "x-frame-options",
    "customBrowserXSSValue": "x-xss-protection",
    "contentSecurityPolicy": "content-security-policy",
    "referrerPolicy": "referrer-policy",
}
"""Options of the same with a value of their own, which win over the switches."""


@dataclass(frozen=True)
class Modifier:
    """``sets`` by name in small letters; ``adds`` leaves what is there; ``removes`` by name, ``gone`` by pattern."""

    sets: Mapping[str, str] = field(default_factory=dict)
    adds: tuple[str, ...] = ()
    removes: frozenset[str] = frozenset()
    gone: tuple[re.Pattern[str], ...] = ()

    def takes(self, name: str) -> bool:
        """True if a header of this name, in small letters, is removed."""
        return name in self.removes or any(one.fullmatch(name) for one in self.gone)


def middleware(named: tuple[str, str, str], resources: Sequence[Resource]) -> list[Modifier] | str:
    """Modifiers of a middleware of Traefik by provider, namespace and name, in the order of the answer; or why they
    cannot be read.
    """
    found = list(_chained(named, resources, DEEPEST))
    missing = [one for one in found if isinstance(one, str)]
    if missing:
        return f"the middleware {missing[0]} is not declared in this stack, so its headers cannot be read; declare it"
    return [one for one in found if isinstance(one, Modifier)]


def _chained(named: tuple[str, str, str], resources: Sequence[Resource], deep: int) -> Iterator[Modifier | str]:
    one = next((one for one in resources if one.type == MIDDLEWARE and _name(one) == named), None)
    if one is None or deep == 0:
        yield named[2]
        return
    # The first of a chain stands before the others, so an answer comes to it last.
    for link in reversed(mappings(at(one.properties, "spec", "chain", "middlewares"))):
        there = text(link.get("namespace")) or named[1]
        yield from _chained((named[0], there, text(link.get("name"))), resources, deep - 1)
    yield _of_headers(mapping(at(one.properties, "spec", "headers")))


def _name(resource: Resource) -> tuple[str, str, str]:
    return resource.provider, text(at(resource.properties, "metadata", "namespace")), object_name(resource)


def _of_headers(options: Properties) -> Modifier:
    """Options of Traefik's headers middleware; a custom header wins over them, and an empty one removes."""
    sets = {name: value for key, (name, value) in FIXED.items() if options.get(key) is True}
    sets |= {name: text(options.get(key)) for key, name in GIVEN.items() if text(options.get(key))}
    age = number(options.get("stsSeconds"))
    # While developing Traefik sends no HSTS (unrolled/secure, IsDevelopment).
    if age and options.get("isDevelopment") is not True:
        wide = "; includeSubDomains" if options.get("stsIncludeSubdomains") is True else ""
        sets["strict-transport-security"] = f"max-age={age:.0f}{wide}"
    custom = {key.lower(): text(value) for key, value in mapping(options.get("customResponseHeaders")).items()}
    removes = frozenset(name for name, value in custom.items() if not value)
    return Modifier({**sets, **{name: value for name, value in custom.items() if value}}, (), removes)
