"""Options of a region's control plane."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from localcloud.cluster import AUTOSCALER_SECONDS, Cluster, configuration
from localcloud.keda import Keda, add_keda, has_keda
from tests.localcloud import pretended


def test_autoscalers_look_often_no_node_is_taken_for_lost_and_no_election_can_be_lost(
    tmp_path: Path,
) -> None:
    told, *_ = configuration(Cluster("us-east-1", 77, tmp_path, pretended.toolchain(tmp_path)))
    patches = told["componentsPatches"]
    assert isinstance(patches, list)
    arguments = {(one["name"], arg["key"]): arg["value"] for one in patches for arg in one["extraArgs"]}
    assert arguments["kube-controller-manager", "horizontal-pod-autoscaler-sync-period"] == f"{AUTOSCALER_SECONDS}s"
    assert AUTOSCALER_SECONDS < 15
    assert arguments["kube-controller-manager", "node-monitor-grace-period"] == "86400s"
    assert arguments["kube-controller-manager", "leader-elect"] == "false"
    assert arguments["kube-scheduler", "leader-elect"] == "false"


def test_a_control_plane_that_was_cut_off_before_it_had_its_nodes_gets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster("us-east-1", 77, tmp_path, pretended.toolchain(tmp_path))
    cluster.folder.mkdir(parents=True)
    (cluster.folder / "kwok.yaml").write_text("")
    done: list[str] = []
    monkeypatch.setattr(Cluster, "_answers", lambda _: True)
    monkeypatch.setattr(Cluster, "ended", lambda _: [])
    monkeypatch.setattr(Cluster, "_kwokctl", lambda _, verb, *__: done.append(verb))
    monkeypatch.setattr(Cluster, "_apply_base", lambda _: done.append("base"))
    assert cluster.up() is False
    assert done == ["start", "base"]
    assert cluster.up() is False
    assert done == ["start", "base"]


def test_without_its_programs_a_control_plane_has_no_keda(tmp_path: Path) -> None:
    told, *_ = configuration(Cluster("us-east-1", 77, tmp_path, pretended.toolchain(tmp_path)))
    assert told["components"] == []


def test_with_its_programs_a_control_plane_has_keda_from_the_start(tmp_path: Path) -> None:
    built = {"keda-operator": tmp_path / "operator", "keda-adapter": tmp_path / "adapter"}
    toolchain = pretended.toolchain(tmp_path)
    toolchain.kubernetes_binaries.update(built)
    told, *_ = configuration(Cluster("us-east-1", 77, tmp_path, toolchain))
    components = told["components"]
    assert isinstance(components, list)
    assert [one["name"] for one in components] == ["keda-operator", "keda-adapter"]


def test_keda_joins_a_control_plane_that_was_made_before_it_was_built(tmp_path: Path) -> None:
    folder = tmp_path / "us-east-1"
    assert not has_keda(folder)
    folder.mkdir()
    stage = {"kind": "Stage", "metadata": {"name": "pod-ready"}}
    own = {"kind": "KwokctlConfiguration", "options": {"etcdPort": 1}, "components": [{"name": "etcd"}]}
    (folder / "kwok.yaml").write_text(yaml.safe_dump_all([own, stage]))
    assert not has_keda(folder)
    keda = Keda(tmp_path / "operator", tmp_path / "adapter", folder, tmp_path / "certificates", tmp_path / "names")
    add_keda(folder, keda.components(1001, 1002, 1003))
    assert has_keda(folder)
    written, kept = yaml.safe_load_all((folder / "kwok.yaml").read_text())
    assert [one["name"] for one in written["components"]] == ["etcd", "keda-operator", "keda-adapter"]
    assert written["options"] == {"etcdPort": 1}
    assert kept == stage
