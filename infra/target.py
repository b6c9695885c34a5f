"""Target of a stack: real AWS and real clusters, or the embedded cloud (the same stack, other providers)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.settings.clusters import ClusterSettings
from infra.settings.stack import StackSettings

TARGET_VARIABLE = "CONTENTGEN_TARGET"
CLOUD_VARIABLE = "CONTENTGEN_CLOUD"


class TargetError(Exception):
    """The environment names a target that is not there."""


@dataclass(frozen=True)
class EmbeddedCloud:
    """The facts of a running embedded cloud that the program needs.

    aws_endpoint: address of the AWS server, for every region.
    kubeconfigs: path of each region's kubeconfig.
    edges: address at which each region's edge answers.
    networks: each region's prepared network, by the field names of ClusterSettings.
    """

    aws_endpoint: str
    kubeconfigs: Mapping[str, str]
    edges: Mapping[str, str]
    networks: Mapping[str, Mapping[str, object]]

    def joined(self, settings: StackSettings) -> StackSettings:
        """The settings with each region's cluster in the embedded network, whatever network the stack file names."""
        clusters = dict(settings.clusters)
        for region in settings.regions:
            given = clusters.get(region, ClusterSettings()).model_dump()
            clusters[region] = ClusterSettings.model_validate({**given, **self.networks[region]})
        return settings.model_copy(update={"clusters": clusters})


def embedded_cloud(environment: Mapping[str, str] = os.environ) -> EmbeddedCloud | None:
    """The embedded cloud named by the environment, or None for a real deployment.

    Raises TargetError when the variables are half set, rather than deploy to the wrong place.
    """
    target = environment.get(TARGET_VARIABLE, "")
    if target not in ("", "local"):
        raise TargetError(f"{TARGET_VARIABLE} is {target!r}; allowed: local, or not set for a real deployment")
    if target == "":
        return None
    file = environment.get(CLOUD_VARIABLE)
    if not file:
        raise TargetError(f"{TARGET_VARIABLE} is local but {CLOUD_VARIABLE} is not set; fix: start it with `make up`")
    try:
        found = json.loads(Path(file).read_text())
    except FileNotFoundError:
        raise TargetError(f"the embedded cloud's file {file} is not there; fix: start it with `make up`") from None
    return EmbeddedCloud(found["aws_endpoint"], found["kubeconfigs"], found["edges"], found["networks"])
