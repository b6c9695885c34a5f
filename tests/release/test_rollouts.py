"""Rollouts after an update: each Deployment of each region, by the region's own cluster."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ops.release import rollouts
from ops.release.process import StepError
from ops.release.rollouts import DEPLOYMENT, wait_for_rollouts
from ops.stack_files import read
from tests.release.engine import PretendedEngine
from tests.unit.program import ROOT

KUBECTL = """#!{python}
import json, pathlib, sys
with pathlib.Path({calls!r}).open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if {fails!r} in sys.argv:
    print("error: timed out waiting for the condition", file=sys.stderr)
    sys.exit(1)
"""


def kubectl(folder: Path, monkeypatch: pytest.MonkeyPatch, fails: str = "") -> None:
    program = folder / "kubectl"
    program.write_text(KUBECTL.format(python=sys.executable, calls=str(folder / "asked"), fails=fails))
    program.chmod(0o755)
    monkeypatch.setattr(rollouts, "KUBECTL", program)


def deployment(name: str, region: str, kind: str = DEPLOYMENT) -> dict[str, object]:
    provider = f"urn:pulumi:prod::contentgen::pulumi:providers:kubernetes::kubernetes-{region}::1"
    metadata = {"name": name, "namespace": "contentgen"}
    return {"urn": name, "type": kind, "provider": provider, "outputs": {"metadata": metadata}}


@pytest.mark.requirement("L02")
def test_every_deployment_is_waited_for_in_its_own_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl(tmp_path, monkeypatch)
    engine = PretendedEngine(tmp_path)
    target = engine.target()
    engine.resources(
        deployment("cpm", "us-east-1"),
        deployment("im", "eu-west-1"),
        deployment("postgres", "eu-west-1", "kubernetes:apps/v1:StatefulSet"),
    )
    wait_for_rollouts(target, read(ROOT, "prod"))
    asked = [json.loads(line) for line in (tmp_path / "asked").read_text().splitlines()]
    assert asked == [
        ["--context", f"contentgen-prod-{region}", "-n", "contentgen", "rollout", "status", name, "--timeout=600s"]
        for region, name in (("us-east-1", "deployment/cpm"), ("eu-west-1", "deployment/im"))
    ]


@pytest.mark.requirement("L02")
def test_a_rollout_that_does_not_end_is_named_with_its_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl(tmp_path, monkeypatch, fails="deployment/im")
    engine = PretendedEngine(tmp_path)
    target = engine.target()
    engine.resources(deployment("cpm", "us-east-1"), deployment("im", "eu-west-1"))
    with pytest.raises(StepError, match="eu-west-1: the rollout of deployment/im did not end: error: timed out"):
        wait_for_rollouts(target, read(ROOT, "prod"))
