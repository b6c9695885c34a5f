"""Resources of an exported state, as rules read them: what ``pulumi stack export`` writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pulumi_policy.deserialize import SPECIAL_SIG_KEY

from policies.reading import Properties, Value, items, mapping, mappings, text, texts
from policies.rule import Resource

HIDDEN: Final = "[secret]"
"""Stands for what the engine marks as no plain value, which in a state is an encrypted secret."""


def resources(state: Properties) -> Iterator[Resource]:
    """The resources that providers manage, with the inputs of the last update; secrets stay hidden."""
    for one in mappings(mapping(state.get("deployment")).get("resources")):
        urn = text(one.get("urn"))
        yield Resource(
            type=text(one.get("type")),
            name=urn.rpartition("::")[2],
            properties=mapping(_opened(one.get("inputs"))),
            urn=urn,
            protect=one.get("protect") is True,
            provider=text(one.get("provider")).rpartition("::")[0].rpartition("::")[2],
            depends_on=frozenset(texts(one.get("dependencies"))),
            tied={key: frozenset(texts(urns)) for key, urns in mapping(one.get("propertyDependencies")).items()},
        )


def _opened(value: Value) -> Value:
    if isinstance(value, Mapping):
        return HIDDEN if SPECIAL_SIG_KEY in value else {key: _opened(one) for key, one in value.items()}
    return value if isinstance(value, str) or not items(value) else [_opened(one) for one in items(value)]
