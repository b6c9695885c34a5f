"""Staging before production: each way in which it speaks against a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ops import image
from ops.console import Report
from ops.release import command
from ops.release import rehearsal as rehearsing
from ops.release.process import StepError
from ops.release.record import RecordError
from ops.release.rehearsal import Rehearsal, rehearsal
from ops.stack_files import read
from ops.target import Target
from tests.release.engine import PretendedEngine
from tests.unit.program import ROOT


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PretendedEngine:
    """Staging's stack, as a real one: it runs commit 0123456789abcdef, and its service answers."""
    made = PretendedEngine(tmp_path)
    target = replace(made.target(), stack="staging")
    made.outputs(commit="0123456789abcdef", image="x@sha256:1")
    monkeypatch.setattr(rehearsing, "real", lambda stack, environment: target)
    monkeypatch.setattr(rehearsing.Service, "smoke", lambda service: None)
    return made


def ask(
    engine: PretendedEngine,
    stack: str = "prod",
    environment: Mapping[str, str] | None = None,
    *,
    same: bool = True,
    said: list[str] | None = None,
) -> Rehearsal:
    target: Target = engine.target()
    tell = (said if said is not None else []).append
    return rehearsal(target, read(ROOT, stack), environment or {}, lambda commit: same, tell)


@pytest.mark.requirement("L06")
def test_a_commit_whose_files_run_on_staging_and_pass_there_may_go_to_production(engine: PretendedEngine) -> None:
    assert ask(engine) == Rehearsal()


@pytest.mark.requirement("L06")
def test_files_that_staging_does_not_run_do_not_go_to_production(engine: PretendedEngine) -> None:
    told = "staging runs 0123456789ab, whose files are others than this commit's"
    assert ask(engine, same=False) == Rehearsal(told, told)


@pytest.mark.requirement("L06")
def test_a_staging_that_was_never_released_or_cannot_be_asked_speaks_against_it(
    engine: PretendedEngine,
) -> None:
    engine.outputs()
    assert ask(engine).deployed == "staging has no record of a release"
    (engine.folder / "output").unlink()
    (engine.folder / "output").mkdir()
    assert "staging: its outputs cannot be read" in ask(engine).deployed


@pytest.mark.requirement("L06")
def test_smoke_tests_that_fail_on_staging_speak_against_it(
    engine: PretendedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(service: object) -> None:
        raise StepError("us-east-1: /ready answers 503, not 200")

    monkeypatch.setattr(rehearsing.Service, "smoke", fails)
    assert ask(engine) == Rehearsal(passed="staging: us-east-1: /ready answers 503, not 200")


@pytest.mark.requirement("L06")
def test_staging_itself_needs_none_and_a_hotfix_goes_without_and_says_so(engine: PretendedEngine) -> None:
    said: list[str] = []
    assert ask(engine, "staging", same=False, said=said) == Rehearsal()
    assert said == []
    assert ask(engine, environment={"HOTFIX": "1"}, same=False, said=said) == Rehearsal()
    assert said == ["prod: not asked whether it was on staging first: this is a hotfix, or the embedded cloud"]


@pytest.mark.requirement("S11")
def test_the_image_that_staging_runs_goes_on_to_production(
    engine: PretendedEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    staging = replace(engine.target(), stack="staging")
    monkeypatch.setattr(command, "real", lambda stack, environment: staging)
    monkeypatch.setattr(command, "_same_files", lambda commit: commit == "0123456789abcdef")
    monkeypatch.setattr(image, "CHECKOUT", tmp_path)
    command.promote({"GITHUB_OUTPUT": str(tmp_path / "outputs")}, Report())
    assert (tmp_path / "reports" / "image.txt").read_text() == "x@sha256:1\n"
    assert (tmp_path / "outputs").read_text() == "image=x@sha256:1\n"
    engine.outputs(commit="0123456789abcdef")
    with pytest.raises(RecordError, match="no record of the image of 0123456789ab; fix: release it there again"):
        command.promote({}, Report())
    engine.outputs(commit="fedcba", image="x@sha256:2")
    with pytest.raises(RecordError, match="staging runs fedcba, whose files are others"):
        command.promote({}, Report())


def test_a_products_production_is_held_against_its_own_staging(
    engine: PretendedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def real(stack: str, environment: Mapping[str, str]) -> Target:
        asked.append(stack)
        return replace(engine.target(), stack=stack)

    monkeypatch.setattr(rehearsing, "real", real)
    assert ask(engine, "workflow-dashboard-prod", same=False).deployed == (
        "workflow-dashboard-staging runs 0123456789ab, whose files are others than this commit's"
    )
    assert asked == ["workflow-dashboard-staging"]


@pytest.mark.requirement("L06")
def test_a_product_without_a_staging_is_held_against_the_default_products(
    engine: PretendedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    target = replace(engine.target(), stack="staging")

    def real(stack: str, environment: Mapping[str, str]) -> Target:
        asked.append(stack)
        return target

    monkeypatch.setattr(rehearsing, "real", real)
    said: list[str] = []
    assert ask(engine, "blog-ai-prod", said=said) == Rehearsal()
    assert asked == ["staging"]
    assert said == ["prod: blog-ai has no staging; its image is tried on that of content-generation"]
    assert ask(engine, "blog-ai-prod", same=False).deployed != ""
