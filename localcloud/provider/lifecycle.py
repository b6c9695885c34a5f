"""Create, read, update and delete of one resource: what happens around the functions of its table entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from localcloud.provider.block import Block
from localcloud.provider.diff import difference, overlaid
from localcloud.provider.resource import (
    AlreadyThere,
    Provider,
    ProviderError,
    ResourceType,
    Scope,
)
from localcloud.provider.values import (
    DEFAULTS,
    UNKNOWN,
    Properties,
    Secret,
    Value,
    holds_secret,
    reveal_all,
)


@dataclass(frozen=True)
class Thing:
    """A resource as it exists: its id, its outputs, and the inputs that would make it so."""

    id: str
    state: Properties = field(repr=False)
    inputs: Properties = field(repr=False)


class HalfMade(Exception):
    """The thing exists, but a call after its creation failed: the engine must keep it in its state."""

    def __init__(self, thing: Thing, reason: str) -> None:
        super().__init__(reason)
        self.thing = thing
        self.reason = reason


def planned(resource: ResourceType[Scope], inputs: Properties, state: Properties) -> Properties:
    """The outputs a preview can know: inputs, and on an update what the cloud already computed.

    What only the cloud knows is unknown on a create. A known value here would let a policy pass at preview that turns
    advisory with the official plugin.
    """
    computed = resource.schema.computed | {name for name in resource.also_computed if name not in inputs}
    outputs: Properties = {name: state.get(name, UNKNOWN) for name in computed}
    return _marked(resource, {**outputs, **_without_defaults(inputs)}, inputs, state)


def create(provider: Provider[Scope], resource: ResourceType[Scope], urn: str, inputs: Properties) -> Thing:
    """Make the thing and read it back. Raises `ProviderError`, or `HalfMade` once something exists."""
    plain = Block(_without_defaults(reveal_all(inputs)))
    scope = provider.scope(urn, plain)
    try:
        made = resource.create(scope, plain)
    except AlreadyThere as clash:
        return _adopted(provider, resource, urn, inputs, clash)
    known = {**_without_defaults(inputs), **made.outputs}
    try:
        if resource.settle:
            resource.settle(scope, made.id, plain)
        truth = resource.read(scope, made.id, Block(reveal_all(known)))
        if truth is None:
            raise ProviderError(f"{resource.token} {made.id} is not there right after its creation")
    except Exception as failure:
        half = Thing(made.id, _marked(resource, known, inputs), inputs)
        raise HalfMade(half, f"{resource.token} {made.id} exists but is not finished: {failure}") from failure
    return Thing(made.id, _marked(resource, {**known, **truth}, inputs), inputs)


def _adopted(
    provider: Provider[Scope], resource: ResourceType[Scope], urn: str, inputs: Properties, clash: AlreadyThere
) -> Thing:
    found = read(provider, resource, urn, Thing(clash.resource_id, _without_defaults(inputs), inputs))
    if found is None:
        raise clash
    differing = [change.path for change in difference(resource, found.inputs, inputs).changes]
    if differing:
        raise ProviderError(
            f"{clash}; it is not taken over because it differs from what is declared in {', '.join(differing)}: "
            f"choose another name, delete it, or `pulumi import` it"
        ) from clash
    return found


def read(provider: Provider[Scope], resource: ResourceType[Scope], urn: str, last: Thing) -> Thing | None:
    """The thing as it is now, with the inputs that describe it; None when it is gone. Without a state: an import."""
    resource_id, implied = provider.address(last.id) if not last.state else (last.id, {})
    known = {**implied, **last.state}
    truth = resource.read(provider.scope(urn, Block(reveal_all(known))), resource_id, Block(reveal_all(known)))
    if truth is None:
        return None
    truth = {**implied, **truth}
    inputs = (
        overlaid(last.inputs, truth, resource.schema.outputs) if last.inputs else _importable(resource, provider, truth)
    )
    marks = (last.inputs, last.state)
    return Thing(resource_id, _marked(resource, {**known, **truth}, *marks), _marked(resource, inputs, *marks))


def _importable(resource: ResourceType[Scope], provider: Provider[Scope], truth: Properties) -> Properties:
    declared: Properties = {
        name: value
        for name, value in truth.items()
        if name in resource.inputs and value not in (None, "", [], {}, False)
    }
    return {**provider.fill(resource, declared), DEFAULTS: []}


def update(
    provider: Provider[Scope], resource: ResourceType[Scope], urn: str, last: Thing, inputs: Properties
) -> Thing:
    """Change the thing in place and read it back."""
    before = Block(_without_defaults(reveal_all(last.inputs)))
    plain = Block(_without_defaults(reveal_all(inputs)))
    scope = provider.scope(urn, plain)
    resource.update(scope, last.id, before, plain)
    dropped = set(last.inputs) - set(inputs)
    kept = {name: value for name, value in last.state.items() if name not in dropped}
    known = {**kept, **_without_defaults(inputs)}
    truth = resource.read(scope, last.id, Block(reveal_all(known)))
    if truth is None:
        raise ProviderError(f"{resource.token} {last.id} is gone: run `pulumi refresh`, then deploy again")
    return Thing(last.id, _marked(resource, {**known, **truth}, inputs), inputs)


def delete(provider: Provider[Scope], resource: ResourceType[Scope], urn: str, last: Thing) -> None:
    """Remove the thing; one that is gone already counts as removed."""
    known = Block({**reveal_all(last.state), **_without_defaults(reveal_all(last.inputs))})
    resource.delete(provider.scope(urn, known), last.id, known)


def _without_defaults(properties: Mapping[str, Value]) -> Properties:
    return {name: value for name, value in properties.items() if name != DEFAULTS}


def _marked(resource: ResourceType[Scope], properties: Properties, *sources: Properties) -> Properties:
    """The properties with every secret marked: by its type, or because a source (inputs, old state) held it as one."""
    return {
        name: Secret(value)
        if not isinstance(value, Secret)
        and value is not None
        and (resource.hides(name) or any(holds_secret(source.get(name)) for source in sources))
        else value
        for name, value in properties.items()
    }
