"""Rule of the pack: one value that the analyzer runs, the documents print and the tests break."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Final

from pulumi_policy import Severity
from pulumi_policy.proxy import UnknownValueError

from policies.reading import Properties, Value
from policies.tunables import Settings, Tunable

PAGES: Final = "docs/policies"
"""Folder of the rules' pages, in the project that keeps this pack."""


@dataclass(frozen=True)
class Resource:
    """One resource as the program declares it. ``provider`` is the name of the provider that serves it: in a stack of
    several clusters it distinguishes objects of one name. ``depends_on`` holds URNs, and ``tied`` those that a property
    refers to; both are known to stack rules only. ``written`` is the type as the program has it where rules read it
    under another name (policies.kinds), and ``partial`` says that the resource states a part of an object.
    """

    type: str
    name: str
    properties: Properties
    urn: str = ""
    protect: bool = False
    provider: str = ""
    depends_on: frozenset[str] = frozenset()
    tied: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    written: str = ""
    partial: bool = False

    @property
    def kind(self) -> str:
        """The type without the provider's own name: ``apps/v1:Deployment``."""
        return self.type.partition(":")[2]


@dataclass(frozen=True)
class Violation:
    """Violation of a rule: a message that names the value and what is allowed, and the resource."""

    message: str
    resource: Resource | None = None


@dataclass(frozen=True)
class NotRun:
    """A resource that a stack rule could not judge, because a preview does not know a value yet; others were judged."""

    resource: Resource
    why: str


Judged = Violation | NotRun


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
StackCheck = Callable[[Sequence[Resource], Settings], Iterator[Judged]]
Assignment = tuple[str, Value]
"""A JSON pointer into a resource's properties, and the value it is to have."""

Remedy = Callable[[Resource], Iterator[Assignment]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """``id`` is the catalogue's; ``name`` is what configuration, exemptions and output call it. ``source`` names the
    standards and scanners that ask for the same. ``types`` are the resource types it reads, ``*`` at an end for all
    that begin so. ``breaks`` are changes of the compliant example that it must refuse: documents and tests use them.
    ``of_parts`` says that the rule forbids something and so looks at patches too, which state a part of an object.
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
    of_parts: bool = False

    @property
    def page(self) -> str:
        """The rule's page: what, why, how to fix, examples."""
        return f"{PAGES}/{self.name}.md"

    def reads(self, type_: str) -> bool:
        """True if a resource of this type, as policies.kinds names it, concerns the rule."""
        return _covers(self.types, type_)

    def concerns(self, resource: Resource) -> bool:
        """True if the rule looks at a resource."""
        return self.reads(resource.type) and (self.of_parts or not resource.partial)


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


def each(resources: Iterable[Resource], check: Callable[[Resource], Iterator[Judged]]) -> Iterator[Judged]:
    """Violations by a stack rule on each of these resources; one with a value that is not known yet stops no other."""
    for one in resources:
        try:
            yield from list(check(one))
        except UnknownValueError as unknown:
            yield NotRun(one, unknown.message)
