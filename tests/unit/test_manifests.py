"""Every built-in Kubernetes object of every stack, held against the strict schema of the newest version there is.

An API server drops a misspelt field in silence; this does not.
"""

from __future__ import annotations

import copy
import json

import kubernetes_validate
import pytest

from tests.unit.engine import Declared, RecordingEngine
from tests.unit.kubernetes_schemas import validate
from tests.unit.program import Declare

CUSTOM = {
    "kubernetes:gateway.networking.k8s.io/": "gateway.networking.k8s.io/v1",
    "kubernetes:gateway.envoyproxy.io/": "gateway.envoyproxy.io/v1alpha1",
    "kubernetes:cert-manager.io/": "cert-manager.io/v1",
    "kubernetes:keda.sh/": "keda.sh/v1alpha1",
    "kubernetes:monitoring.coreos.com/": "monitoring.coreos.com/v1",
}
"""Kinds that a real API server checks in the engine tier, with the newest version their makers publish."""


def built_in(engine: RecordingEngine) -> list[Declared]:
    """The objects of kinds that Kubernetes itself has, each different one once."""
    found = {json.dumps(one.inputs, sort_keys=True): one for one in engine.resources if "kubernetes:" in one.type}
    return [
        one for one in found.values() if one.custom and not one.type.startswith((*CUSTOM, "pulumi:", "contentgen:"))
    ]


def test_every_built_in_object_satisfies_its_strict_schema(each: RecordingEngine) -> None:
    kinds = set()
    for one in built_in(each):
        validate(one.inputs)
        kinds.add(one.at("kind"))
    assert {"Deployment", "HorizontalPodAutoscaler", "Job", "CronJob", "NetworkPolicy", "Secret", "Service"} <= kinds


@pytest.mark.parametrize(
    ("path", "value"),
    [(("spec", "template", "spec", "livenesProbe"), {}), (("spec", "replica"), 2), (("spec", "paused"), "no")],
)
def test_the_check_notices_one_misspelt_field_or_wrong_type(
    declare: Declare, path: tuple[str, ...], value: object
) -> None:
    manifest = copy.deepcopy(declare("local").one("Deployment", "cpm-deployment").inputs)
    place = manifest
    for key in path[:-1]:
        place = place[key]  # type: ignore[assignment, index]
    place[path[-1]] = value  # type: ignore[assignment]
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(manifest)


def test_custom_objects_are_of_the_newest_version(each: RecordingEngine) -> None:
    for group, version in CUSTOM.items():
        custom = [one for one in each.resources if one.type.startswith(group)]
        assert custom, f"nothing of {group}"
        assert {one.at("apiVersion") for one in custom} == {version}
