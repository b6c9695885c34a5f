"""HTTPRoutes as the embedded edge reads them: which rule a host and a path meet, and what the rule says. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, Field

OF_THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")
_DURATION = re.compile(r"([0-9]+)(h|ms|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class Header(BaseModel):
    """A header to set."""

    name: str
    value: str


class HeaderModifier(BaseModel):
    """Header changes of a ResponseHeaderModifier."""

    set: list[Header] = []
    add: list[Header] = []
    remove: list[str] = []


class Filter(BaseModel):
    """One filter of a rule; others than header modifiers are left to the real gateway."""

    type: str
    response: HeaderModifier | None = Field(None, alias="responseHeaderModifier")


class PathMatch(BaseModel):
    """Path and type of a route's match."""

    type: str = "PathPrefix"
    value: str = "/"


class Match(BaseModel):
    """The part of a match that we use."""

    path: PathMatch = PathMatch()


class Timeouts(BaseModel):
    """Durations such as 300s."""

    request: str = "0s"


class BackendRef(BaseModel):
    """A Service's port."""

    name: str
    port: int


class Rule(BaseModel):
    """One rule of a route."""

    matches: list[Match] = [Match()]
    filters: list[Filter] = []
    timeouts: Timeouts = Timeouts()
    backends: list[BackendRef] = Field([], alias="backendRefs")


class ParentRef(BaseModel):
    """The listener a route hangs on."""

    name: str
    section: str | None = Field(None, alias="sectionName")


class RouteSpec(BaseModel):
    """The spec of an HTTPRoute."""

    parents: list[ParentRef] = Field([], alias="parentRefs")
    hostnames: list[str] = []
    rules: list[Rule] = []


@dataclass(frozen=True)
class Chosen:
    """The rule for a request: where it goes, within what time (None: no limit), and what is done to the answer."""

    namespace: str
    backend: BackendRef
    timeout_seconds: float | None
    headers: HeaderModifier


def choose(routes: Iterable[tuple[str, RouteSpec]], host: str, path: str) -> Chosen | None:
    """The rule of the best match: an exact path before a prefix, a longer prefix before a shorter one.

    The machine's own names stand for all hosts. Any other that no route names is answered by none, as the gateway does:
    a web page whose name was made to lead here would else reach the service in its visitor's name (DNS rebinding).
    """
    serving = [(space, one) for space, one in routes if not any(parent.section == "http" for parent in one.parents)]
    named = [(space, one) for space, one in serving if host in one.hostnames]
    best: tuple[tuple[bool, int], Chosen] | None = None
    for namespace, route in named or (serving if host in OF_THIS_MACHINE else []):
        for rule in route.rules:
            for match in rule.matches:
                if rule.backends and _matches(match.path, path):
                    rank = (match.path.type == "Exact", len(match.path.value))
                    if best is None or rank > best[0]:
                        best = (rank, _chosen(namespace, rule))
    return best[1] if best else None


def seconds(duration: str) -> float | None:
    """Seconds of a duration; zero means no limit."""
    total = sum(int(number) * _SECONDS[unit] for number, unit in _DURATION.findall(duration))
    return total or None


def _matches(match: PathMatch, path: str) -> bool:
    if match.type == "Exact":
        return path == match.value
    prefix = match.value.rstrip("/")
    return path == prefix or path.startswith(prefix + "/")


def _chosen(namespace: str, rule: Rule) -> Chosen:
    modifiers = [one.response for one in rule.filters if one.response is not None]
    return Chosen(
        namespace, rule.backends[0], seconds(rule.timeouts.request), modifiers[0] if modifiers else HeaderModifier()
    )
