"""Tools that a first answer does without: which stacks wait for them all the same, and what is said meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from localcloud import observe
from localcloud.cloudfile import CloudFile, RegionFile
from localcloud.toolchain import build
from localcloud.toolchain.compiler import only_one
from localcloud.toolchain.families import ACTIONLINT, FIRST, KEDA, PROMTOOL
from ops import doctoring
from ops.checkout import CHECKOUT
from ops.deployment import needed_tools
from ops.stack_files import planned

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


def test_only_a_stack_whose_workers_never_are_one_waits_for_keda() -> None:
    waits = {stack: KEDA in needed_tools(planned(CHECKOUT, stack)) for stack in ("local", "dev", "staging", "prod")}
    assert waits == {"local": False, "dev": False, "staging": False, "prod": True}


def test_no_stack_waits_for_the_tools_of_tests() -> None:
    for stack in ("local", "dev", "staging", "prod"):
        tools = needed_tools(planned(CHECKOUT, stack))
        assert set(FIRST) <= set(tools)
        assert not {PROMTOOL, ACTIONLINT} & set(tools)


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


def test_doctor_names_each_missing_tool_with_the_command_that_builds_it(cloud: CloudFile) -> None:
    found = {family.name: doctoring.tool(family) for family in (*FIRST, KEDA, PROMTOOL, ACTIONLINT)}
    assert {name: one.fix.split(" (")[0] for name, one in found.items()} == {
        "kubernetes": "make up",
        "engine": "make up",
        "crds": "make up",
        "keda": "make tools",
        "promtool": "make tools",
        "actionlint": "make tools",
    }


def test_doctor_says_of_a_built_tool_what_it_was_built_without(cloud: CloudFile) -> None:
    build.result_folder(KEDA).mkdir()
    assert doctoring.tool(KEDA).origin == "built from Go modules, without scalers other than postgresql"
    assert doctoring.tool(KEDA).fix == ""
