"""Declaration of one resource type: a table entry of functions and sets, free of gRPC."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, Protocol, TypeVar

from localcloud.provider.block import Block
from localcloud.provider.schema import Schema, schema_of
from localcloud.provider.values import Properties, Value

Scope = TypeVar("Scope")


class ProviderError(Exception):
    """A refusal with a message meant for the person running the deployment. Any other exception is a defect."""


class AlreadyThere(ProviderError):
    """A create call found a thing of that identity. It is adopted only if it is exactly what was declared.

    A deployment that was killed between the cloud's answer and the engine's state file leaves such a thing behind; the
    next run then takes it over instead of failing, while a stranger's thing of that name is still refused.
    """

    def __init__(self, resource_id: str, reason: str) -> None:
        super().__init__(reason)
        self.resource_id = resource_id


@dataclass(frozen=True)
class Problem:
    """Problem of an input that is refused at Check, before anything is touched."""

    property: str
    reason: str


@dataclass(frozen=True)
class AutoName:
    """The rule for naming a thing the program did not name: logical name, a dash, seven hexadecimal digits.

    property: input that holds the name.
    longest: characters a name may have, made or given; a longer one is refused.
    prefix: text that every name begins with.
    lower: whether made names are in lower case.
    source: where the limit is documented.
    """

    property: str = "name"
    longest: int = 255
    prefix: str = ""
    lower: bool = False
    source: str = ""


@dataclass(frozen=True)
class Created:
    """Result of a create call: its id, and outputs that no read will ever return (a generated password, say)."""

    id: str
    outputs: Properties = field(default_factory=dict, repr=False)


def no_problems(_: Block) -> Iterable[Problem]:
    """The rule set of a type that has no rules beyond its schema."""
    return ()


def never_changed(_: Scope, __: str, ___: Block, ____: Block) -> None:
    """The update of a type whose every change is a replacement; only provider-side settings reach it."""


@dataclass(frozen=True, kw_only=True)
class ResourceType(Generic[Scope]):
    """One resource type. The functions take a scope: whatever the provider needs to reach its cloud.

    `read` answers None when the thing is gone; what it answers is the truth about the cloud, in the names of the
    schema. Declared inputs no API gives back (a password, `forceDestroy`) are kept from the state by the machinery.
    """

    token: str
    inputs: frozenset[str]
    """Inputs this implementation carries out. One the schema has but this set has not is refused, never dropped."""
    replace_on: frozenset[str]
    create: Callable[[Scope, Block], Created]
    read: Callable[[Scope, str, Block], Properties | None]
    delete: Callable[[Scope, str, Block], None]
    update: Callable[[Scope, str, Block, Block], None] = never_changed
    """(scope, id, what was declared before, what is declared now)"""
    settle: Callable[[Scope, str, Block], None] | None = None
    """Calls after `create` that finish the thing; when one fails the engine still learns the id (no orphan)."""
    auto_name: AutoName | None = None
    identity: tuple[str, ...] = ()
    """Inputs that together name the thing in the cloud, where that is not the automatically named one alone."""
    defaults: Mapping[str, Value] = field(default_factory=dict)
    also_computed: frozenset[str] = frozenset()
    """Inputs the cloud chooses when they are absent: unknown at preview then."""
    secret_outputs: frozenset[str] = frozenset()
    problems: Callable[[Block], Iterable[Problem]] = no_problems

    @cached_property
    def schema(self) -> Schema:
        """The official properties of the type."""
        return schema_of(self.token)

    def hides(self, name: str) -> bool:
        """True if an output is a secret by its type, whatever the program marked."""
        return name in self.secret_outputs or name in self.schema.secret_outputs


class Provider(Protocol[Scope]):
    """Parts that a provider process adds to the shared machinery."""

    name: str
    version: str
    types: Mapping[str, ResourceType[Scope]]

    def configure(self, settings: Properties) -> None:
        """Take the provider's configuration. Raises `ProviderError` when it is refused."""

    def scope(self, urn: str, properties: Block) -> Scope:
        """The way to the cloud for one resource."""

    def address(self, resource_id: str) -> tuple[str, Properties]:
        """An id as typed for an import, split into the bare id and properties it implies (a region, say)."""

    def fill(self, resource: ResourceType[Scope], inputs: Properties) -> Properties:
        """Inputs the configuration of the provider adds (region, default tags)."""

    def invoke(self, token: str, arguments: Block) -> Properties:
        """A function call of the program. Raises `ProviderError` for an unknown token."""
