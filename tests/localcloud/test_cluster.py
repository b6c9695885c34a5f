"""How a region's control plane is told to run."""

from __future__ import annotations

from pathlib import Path

from localcloud.cluster import AUTOSCALER_SECONDS, Cluster, configuration
from tests.localcloud import pretended


def test_autoscalers_are_looked_at_often_and_nobody_can_lose_an_election(tmp_path: Path) -> None:
    told, *_ = configuration(Cluster("us-east-1", 77, tmp_path, pretended.toolchain(tmp_path)))
    patches = told["componentsPatches"]
    assert isinstance(patches, list)
    arguments = {(one["name"], arg["key"]): arg["value"] for one in patches for arg in one["extraArgs"]}
    assert arguments["kube-controller-manager", "horizontal-pod-autoscaler-sync-period"] == f"{AUTOSCALER_SECONDS}s"
    assert AUTOSCALER_SECONDS < 15
    assert arguments["kube-controller-manager", "leader-elect"] == "false"
    assert arguments["kube-scheduler", "leader-elect"] == "false"
