"""Where a stack goes: to real AWS and real clusters, or to the embedded cloud (the same stack, other providers)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TARGET_VARIABLE = "CONTENTGEN_TARGET"
CLOUD_VARIABLE = "CONTENTGEN_CLOUD"
COMMIT_VARIABLE = "CONTENTGEN_COMMIT"
"""The commit that a release deploys; the stack keeps it as an output."""


class TargetError(Exception):
    """The environment names a target that is not there."""


@dataclass(frozen=True)
class EmbeddedCloud:
    """What the program needs to know of a running embedded cloud: one AWS endpoint, and of each region the kubeconfig
    and the address its edge answers at.
    """

    aws_endpoint: str
    kubeconfigs: Mapping[str, str]
    edges: Mapping[str, str]


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
    return EmbeddedCloud(found["aws_endpoint"], found["kubeconfigs"], found["edges"])
