"""Tools of a stack: which one waits for which, and what the doctor says of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.servers import ServerError
from localcloud.toolchain import build
from localcloud.toolchain.families import ACTIONLINT, FIRST, KEDA, PROMTOOL
from localcloud.toolchain.supply import ensure
from ops import doctoring
from ops.checkout import CHECKOUT
from ops.deployment import needed_tools
from ops.stack_files import planned
from tests.localcloud.release_mirror import Mirror
from tests.localcloud.test_official_tools import mirror  # noqa: F401  it is a fixture


@pytest.fixture
def toolless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any tool."""
    monkeypatch.setenv("CONTENTGEN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "toolchain").mkdir(parents=True)


def test_only_a_stack_whose_instances_keda_must_keep_or_bring_waits_for_it() -> None:
    waits = {stack: KEDA in needed_tools(planned(CHECKOUT, stack)) for stack in ("local", "dev", "staging", "prod")}
    assert waits == {"local": False, "dev": False, "staging": True, "prod": True}


def test_no_stack_waits_for_the_tools_of_tests() -> None:
    for stack in ("local", "dev", "staging", "prod"):
        tools = needed_tools(planned(CHECKOUT, stack))
        assert set(FIRST) <= set(tools)
        assert not {PROMTOOL, ACTIONLINT} & set(tools)


def test_doctor_names_each_missing_tool_with_the_command_that_builds_it(toolless: None) -> None:
    found = {family.name: doctoring.tool(family) for family in (*FIRST, KEDA, PROMTOOL, ACTIONLINT)}
    assert {name: one.fix.split(" (")[0] for name, one in found.items()} == {
        "kubernetes": "make up",
        "engine": "make up",
        "crds": "make up",
        "keda": "make tools",
        "promtool": "make tools",
        "actionlint": "make tools",
    }


def test_doctor_says_of_a_built_tool_what_it_was_built_without(toolless: None) -> None:
    build.result_folder(KEDA).mkdir()
    assert doctoring.tool(KEDA).origin == "built from Go modules, without scalers other than postgresql, cpu and memory"
    assert doctoring.tool(KEDA).fix == ""


def test_the_doctor_names_what_cannot_be_had_and_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctoring.pgbouncer, "origin", not_to_be_had)
    [row] = [one for one in doctoring.findings() if one.tool == "pgbouncer"]
    assert row.version == ""
    assert "install the package pgbouncer" in row.fix


def not_to_be_had() -> None:
    raise ServerError("pgbouncer is neither on PATH nor to be had by apt-get; install the package pgbouncer")


def test_doctor_says_what_was_taken_and_why_a_tool_was_built(
    mirror: Mirror,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ensure(PROMTOOL, print)
    assert doctoring.tool(PROMTOOL).origin == "official release, by checksums: 1 published, 0 pinned"
    monkeypatch.setenv("CONTENTGEN_TOOLS", "build")
    ensure(PROMTOOL, print)
    assert doctoring.tool(PROMTOOL).origin == "built from Go modules; reason: CONTENTGEN_TOOLS=build"
