"""The baseline: a deployed stack written down as a flat list of resources, without any code of ours.

Values that one resource got from another are references again (``{"$from": [index, key]}``), so that the engine has the
same graph to walk; names that the engine or a provider had made are left out, so that they are made again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"

SHORTEST_REFERENCE = 8
COMPUTED = ("id", "arn", "zoneId", "bucket", "name", "identifier", "address", "primaryEndpointAddress", "result")


@dataclass(frozen=True)
class FlatResource:
    """One resource: its type, name, region of its cluster (or None), inputs with references, and what it waits for."""

    type: str
    name: str
    cluster: str | None
    inputs: Json
    after: tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """A text that resource number ``index`` computed, and under which output."""

    text: str
    index: int
    key: str


def flatten(deployment: Mapping[str, Json]) -> list[FlatResource]:
    """The custom resources of ``pulumi stack export --show-secrets``, in the order of their creation."""
    everything = {str(one["urn"]): one for one in _resources(deployment)}
    found = [one for one in everything.values() if one.get("custom") and not str(one["type"]).startswith("pulumi:")]
    index = {str(one["urn"]): number for number, one in enumerate(found)}
    sources: list[Source] = []
    flat = []
    for number, one in enumerate(found):
        inputs = _readable(str(one["type"]), _without_made_names(_plain(one.get("inputs"))))
        flat.append(
            FlatResource(
                type=str(one["type"]),
                name=str(one["urn"]).rsplit("::", 1)[-1],
                cluster=_cluster(str(one.get("provider", ""))),
                inputs=_referenced(inputs, sources),
                after=tuple(sorted({index[urn] for urn in _waits_for(one, everything) if urn in index})),
            )
        )
        sources += _sources(number, _plain(one.get("outputs")), str(one.get("id", "")), inputs)
    return flat


def write(flat: Sequence[FlatResource], path: Path) -> None:
    path.write_text(json.dumps([asdict(one) for one in flat]))


def _waits_for(one: Mapping[str, Json], everything: Mapping[str, Mapping[str, Json]]) -> Iterator[str]:
    """Its own dependencies and those of the components around it, which a child waits for with its parent."""
    current: Mapping[str, Json] | None = one
    while current is not None:
        dependencies = current.get("dependencies") or []
        assert isinstance(dependencies, list)
        yield from map(str, dependencies)
        current = everything.get(str(current.get("parent", "")))


def _readable(kind: str, inputs: Json) -> Json:
    """A Kubernetes Secret's values as text again: what they are made of is seen in no other form."""
    if kind != "kubernetes:core/v1:Secret" or not isinstance(inputs, Mapping):
        return inputs
    data = inputs.get("data")
    assert isinstance(data, Mapping)
    texts: dict[str, Json] = {key: base64.b64decode(str(value)).decode() for key, value in data.items()}
    return {**{key: value for key, value in inputs.items() if key != "data"}, "stringData": texts}


def _resources(deployment: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    inner = deployment["deployment"]
    assert isinstance(inner, Mapping)
    for one in inner["resources"]:  # type: ignore[union-attr]
        assert isinstance(one, Mapping)
        yield one


def _plain(value: Json) -> Json:
    """Secrets opened and the providers' own bookkeeping dropped."""
    if isinstance(value, Mapping):
        if "plaintext" in value:
            return _plain(json.loads(str(value["plaintext"])))
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value


def _without_made_names(inputs: Json) -> Json:
    if not isinstance(inputs, Mapping):
        return inputs
    defaults = inputs.get("__defaults") or []
    assert isinstance(defaults, list)
    kept = {key: one for key, one in inputs.items() if key != "__defaults" and key not in defaults and key != "tagsAll"}
    metadata = kept.get("metadata")
    if isinstance(metadata, Mapping):
        annotations = metadata.get("annotations")
        assert isinstance(annotations, Mapping | None)
        own = {key: one for key, one in (annotations or {}).items() if key != "pulumi.com/autonamed"}
        named = {key: one for key, one in metadata.items() if key != "name" or own == (annotations or {})}
        kept["metadata"] = {**named, "annotations": own}
    return {key: _nested(one) for key, one in kept.items()}


def _nested(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _nested(one) for key, one in value.items() if key != "__defaults"}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_nested(one) for one in value]
    return value


def _cluster(provider: str) -> str | None:
    name = provider.split("::")[-2] if "::" in provider else ""
    return name.removeprefix("kubernetes-") if name.startswith("kubernetes-") else None


def _sources(number: int, outputs: Json, identity: str, inputs: Json) -> list[Source]:
    assert isinstance(outputs, Mapping)
    stated = json.dumps(inputs)
    found = {key: outputs.get(key) for key in COMPUTED if key != "id"} | {"id": identity}
    metadata = outputs.get("metadata")
    if isinstance(metadata, Mapping):
        found["metadata"] = metadata.get("name")
    return [
        Source(text, number, key)
        for key, text in found.items()
        if isinstance(text, str) and len(text) >= SHORTEST_REFERENCE and f'"{text}"' not in stated
    ]


def _referenced(value: Json, sources: Sequence[Source]) -> Json:
    if isinstance(value, Mapping):
        return {key: _referenced(one, sources) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_referenced(one, sources) for one in value]
    if not isinstance(value, str):
        return value
    for source in sorted(sources, key=lambda one: -len(one.text)):
        if source.text in value:
            before, after = value.split(source.text, 1)
            parts = [before, {"$from": [source.index, source.key]}, after]
            return {"$join": [_referenced(part, sources) if isinstance(part, str) else part for part in parts if part]}
    return value
