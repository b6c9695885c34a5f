"""The corpora of the policy pack as data: ``evasions``, which their rule must find, and ``innocents``, which must pass:
ordinary resources of other teams, and other valid ways to write what a rule asks for.

``change`` alters the compliant example (a value of null takes away), ``add`` puts resources beside it; what a workload
states under ``pod`` is the pod of a minimal object of its kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import yaml

from policies.examples import COMPLIANT
from policies.examples.base import CLUSTER, NAMESPACE, urn
from policies.kinds import canonical
from policies.pods import TEMPLATES
from policies.reading import Properties, Value, mapping, text, texts
from policies.rule import GONE, Resource
from policies.testing import changed

FOLDER: Final = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Case:
    """One stack, told as a change of the compliant one. ``config`` is the rule's own, beside the example's."""

    rule: str
    says: str
    change: Mapping[str, Properties] = field(default_factory=dict)
    add: Sequence[Properties] = ()
    config: Properties = field(default_factory=dict)

    def stack(self) -> list[Resource]:
        """The compliant stack with the case in it."""
        stack = dict(COMPLIANT)
        for of, changes in self.change.items():
            stack[of] = _altered(stack[of], changes)
        return [*stack.values(), *self.added()]

    def added(self) -> list[Resource]:
        """The resources of its own."""
        return [_made(one, index) for index, one in enumerate(self.add)]


def cases(name: str) -> Iterator[Case]:
    """The cases of a corpus, which is a folder with a file an area."""
    for entry in (one for file in sorted((FOLDER / name).iterdir()) for one in yaml.safe_load(file.read_text())):
        for one in entry["cases"]:
            if not set(one) <= {"says", "change", "add", "config"}:
                raise ValueError(f"{name}, {entry['rule']}: a case has the keys {', '.join(one)}; put texts in quotes")
            add = one.get("add", [])
            yield Case(
                entry["rule"],
                one["says"],
                one.get("change", {}),
                [add] if isinstance(add, dict) else add,
                one.get("config", {}),
            )


def _altered(resource: Resource, changes: Properties) -> Resource:
    """``/pointers`` into the properties; ``name``, ``type`` and ``tied`` are the resource's own."""
    for key, value in changes.items():
        if key == "tied":
            tied = {name: frozenset(COMPLIANT[one].urn for one in texts(of)) for name, of in mapping(value).items()}
            resource = replace(resource, tied=tied)
        elif key in ("name", "type"):
            resource = replace(resource, **{key: text(value)})
        else:
            properties = changed(resource.properties, key, GONE if value is None else value)
            resource = replace(resource, properties=properties)
    return resource


def _made(one: Properties, index: int) -> Resource:
    """A resource beside the example; one with ``pod`` is a workload of its kind, with that in its pod."""
    type_ = text(one["type"])
    name = text(one.get("name")) or f"added-{index}"
    properties: dict[str, Value] = {**mapping(one.get("properties"))}
    if type_.startswith("kubernetes:"):
        metadata: dict[str, Value] = {"name": name, "namespace": NAMESPACE, **mapping(properties.get("metadata"))}
        properties["metadata"] = metadata
    if "pod" in one:
        properties["spec"] = {**mapping(properties.get("spec")), **mapping(one.get("spec"))}
        properties = _with_pod(properties, TEMPLATES[canonical(type_)], one["pod"])
    provider = CLUSTER if type_.startswith("kubernetes:") else "aws"
    return Resource(type_, name, properties, urn(type_, name), bool(one.get("protect")), provider)


def _with_pod(properties: dict[str, Value], path: Sequence[str], pod: Value) -> dict[str, Value]:
    if not path:
        return {**properties, "spec": pod}
    inner = mapping(properties.get(path[0]))
    return {**properties, path[0]: _with_pod(dict(inner), path[1:], pod)}
