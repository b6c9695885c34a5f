"""Parts of a stack's declared resources that every product's tests ask for."""

from __future__ import annotations

from collections.abc import Mapping

from tests.unit.engine import Declared, RecordingEngine

CONTAINER = ("spec", "template", "spec", "containers", 0)


def deployment(engine: RecordingEngine, name: str) -> Declared:
    (found,) = (one for one in engine.of("apps/v1:Deployment") if one.at("metadata", "name") == name)
    return found


def variables(engine: RecordingEngine, name: str) -> Mapping[str, str]:
    """The config map of a workload."""
    (found,) = (
        one for one in engine.of("core/v1:ConfigMap") if one.at("metadata", "labels", "app.kubernetes.io/name") == name
    )
    data = found.at("data")
    assert isinstance(data, dict)
    return data
