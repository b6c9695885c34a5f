"""Rollouts of a stack's Deployments, waited for until their end.

The engine does not wait where a release goes back to an earlier pod template: a ReplicaSet of that template is there
with no replicas, and the provider takes it for available at the controller's first look (pulumi-kubernetes,
provider/pkg/await/deployment.go, checkReplicaSetStatus). Until the end of the rollout both releases answer.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from infra.settings.stack import StackSettings
from localcloud.cloudfile import CloudFile
from localcloud.toolchain.origin import KUBECTL
from ops.release.process import StepError
from ops.release.state import resources
from ops.target import Target

DEPLOYMENT: Final = "kubernetes:apps/v1:Deployment"
ROLLOUT_SECONDS: Final = 600
"""Kubernetes gives up a rollout without progress after that time too (progressDeadlineSeconds)."""


class _Metadata(BaseModel):
    name: str
    namespace: str


def wait_for_rollouts(target: Target, settings: StackSettings, seconds: float = ROLLOUT_SECONDS) -> None:
    """Waits until every Deployment of the stack runs its own release alone, each for so many seconds at most. Raises
    StepError, naming the first that does not.
    """
    for one in resources(target):
        if one.type == DEPLOYMENT:
            for region in settings.regions:
                if f"::kubernetes-{region}::" in one.provider:
                    _wait(target, settings, region, _Metadata.model_validate(one.outputs["metadata"]), seconds)


def _wait(target: Target, settings: StackSettings, region: str, metadata: _Metadata, seconds: float) -> None:
    name = f"deployment/{metadata.name}"
    command = [str(KUBECTL), *_access(target, settings, region), "-n", metadata.namespace, "rollout", "status", name]
    done = subprocess.run(
        [*command, f"--timeout={seconds:.0f}s"],
        env=dict(target.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StepError(f"{region}: the rollout of {name} did not end: {done.stderr.strip()}")


def _access(target: Target, settings: StackSettings, region: str) -> Iterator[str]:
    if target.engine is not None:
        yield from ("--kubeconfig", CloudFile.read(target.engine.cloud_file).kubeconfigs[region])
    elif region in settings.clusters and (context := settings.clusters[region].context):
        yield from ("--context", context)
