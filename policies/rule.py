"""What a rule of the pack is: one value that the analyzer runs, the documents print and the tests break."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Final

from pulumi_policy import Severity

from policies.reading import Properties, Value
from policies.tunables import Settings, Tunable

PAGES: Final = "docs/policies"
"""Where the page of every rule is, in the project that keeps this pack."""


@dataclass(frozen=True)
class Resource:
    """One resource as the program declares it. ``provider`` is the name of the provider that serves it: in a stack of
    several clusters it tells apart objects of one name. ``depends_on`` holds URNs and is known to stack rules only.
    """

    type: str
    name: str
    properties: Properties
    urn: str = ""
    protect: bool = False
    provider: str = ""
    depends_on: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """The type without the provider's own name: ``apps/v1:Deployment``."""
        return self.type.partition(":")[2]


@dataclass(frozen=True)
class Violation:
    """What is wrong, in words that name the value and what is allowed, and with what."""

    message: str
    resource: Resource | None = None


class Gone(Enum):
    """The value of a change that takes a property, or a whole resource, away."""

    GONE = "gone"


GONE: Final = Gone.GONE


@dataclass(frozen=True)
class Break:
    """A change of the compliant example that the rule must refuse. ``path`` is a JSON pointer into the properties of
    the example ``of``; an empty one is the whole resource. With ``later`` a preview may not know the value yet, and
    the update checks it. ``protect`` and ``type`` replace the example's own.
    """

    of: str
    path: str
    value: Value | Gone = GONE
    later: bool = False
    protect: bool | None = None
    type: str = ""


ResourceCheck = Callable[[Resource, Settings], Iterator[str]]
StackCheck = Callable[[Sequence[Resource], Settings], Iterator[Violation]]
Assignment = tuple[str, Value]
"""A JSON pointer into a resource's properties, and the value it is to have."""

Remedy = Callable[[Resource], Iterator[Assignment]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """``id`` is the catalogue's; ``name`` is what configuration, exemptions and output call it. ``source`` names the
    standards and scanners that ask for the same. ``types`` are the resource types it reads, ``*`` at an end for all
    that begin so. ``breaks`` are changes of the compliant example that it must refuse: documents and tests use them.
    """

    id: str
    name: str
    severity: Severity
    says: str
    why: str
    fix: str
    source: str
    types: tuple[str, ...]
    breaks: tuple[Break, ...]
    tunables: tuple[Tunable, ...] = field(default=())

    @property
    def page(self) -> str:
        """The rule's page: what, why, how to fix, examples."""
        return f"{PAGES}/{self.name}.md"

    def reads(self, type_: str) -> bool:
        """Whether a resource of this type concerns the rule."""
        return _covers(self.types, type_)


@cache
def _covers(types: tuple[str, ...], type_: str) -> bool:
    """Asked for every rule and resource of a stack, about a few dozen types."""
    return any(type_.startswith(one[:-1]) if one.endswith("*") else type_ == one for one in types)


@dataclass(frozen=True, kw_only=True)
class ResourceRule(Rule):
    """Looks at one resource at a time. ``remedy`` mends the mechanical ones where the level says so."""

    check: ResourceCheck
    remedy: Remedy | None = None


@dataclass(frozen=True, kw_only=True)
class StackRule(Rule):
    """Looks at the resources of its types together, once the program has declared them all."""

    check: StackCheck
