"""Tools that a first answer does without: what is said while they are not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from localcloud import observe
from localcloud.cloudfile import CloudFile, RegionFile
from localcloud.toolchain import build
from localcloud.toolchain.compiler import only_one
from localcloud.toolchain.families import KEDA

NOTHING_RUNS = "not built; `make tools`, then `make up`"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CloudFile:
    """A cloud of one region that was made without KEDA, on a machine without any tool."""
    monkeypatch.setenv("CONTENTGEN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "toolchain").mkdir(parents=True)
    control_plane = tmp_path / "clusters" / "clusters" / "us-east-1"
    control_plane.mkdir(parents=True)
    own = {"kind": "KwokctlConfiguration", "components": [{"name": "etcd"}]}
    (control_plane / "kwok.yaml").write_text(yaml.safe_dump(own))
    region = RegionFile(name="us-east-1", kubeconfig=str(tmp_path / "none"), network=77, edge_port=1)
    return CloudFile(stack="local", folder=str(tmp_path), aws_endpoint="", regions=(region,), kubeconfigs={})


def _said(cloud: CloudFile) -> list[str]:
    return [one.state for one in observe.running(cloud) if one.what == "queue scaling (KEDA)"]


def test_the_table_says_that_nothing_follows_the_queue_yet_and_what_changes_that(cloud: CloudFile) -> None:
    assert _said(cloud) == [NOTHING_RUNS]
    with only_one(build.result_folder(KEDA).with_suffix(".lock"), "keda", print):
        (said,) = _said(cloud)
        assert "being built in the background" in said
        assert "later.log" in said
    build.result_folder(KEDA).mkdir()
    assert _said(cloud) == ["not running; the next `make up` starts it"]


def test_the_table_has_no_such_line_where_keda_runs(cloud: CloudFile) -> None:
    file = Path(cloud.folder) / "clusters" / "clusters" / "us-east-1" / "kwok.yaml"
    file.write_text(yaml.safe_dump({"kind": "KwokctlConfiguration", "components": [{"name": "keda-operator"}]}))
    assert _said(cloud) == []
