"""The command around a release: whatever ends it, its outcome is printed and Slack is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ops.console import Report
from ops.release import command, going_back
from ops.release.notice import Notice
from ops.release.process import Outcome, StepError, Steps, release
from ops.stack_files import read
from ops.target import Target
from tests.release.engine import PretendedEngine
from tests.report.events import lines
from tests.unit.program import ROOT

ADDRESS = {"us-east-1": "https://x"}
HOOK = {"SLACK_WEBHOOK": "https://hook"}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Notice]:
    """Messages to Slack; the checklist has no objection, and nothing is waited for."""
    heard: list[Notice] = []
    monkeypatch.setattr(command, "time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr(command, "unanswered", lambda checklist, facts: ())
    monkeypatch.setattr(command, "facts", lambda *arguments: None)
    monkeypatch.setattr(command, "tell", lambda notice, webhook: heard.append(notice) or True)
    return heard


def ends_by(monkeypatch: pytest.MonkeyPatch, ending: Callable[[Steps], tuple[Outcome, str]]) -> None:
    monkeypatch.setattr(command, "release", lambda steps, seconds: ending(steps))


@pytest.fixture
def engine(tmp_path: Path) -> PretendedEngine:
    return PretendedEngine(tmp_path)


@pytest.mark.requirement("L02")
def test_a_release_goes_back_to_the_one_that_the_stack_records_and_records_its_own(
    monkeypatch: pytest.MonkeyPatch, told: list[Notice], engine: PretendedEngine
) -> None:
    target = engine.target()
    engine.outputs(commit="0123456", image="old@sha256:1", schema="0007", api="https://x")
    monkeypatch.setattr(command, "_commit", lambda: "89abcde")
    monkeypatch.setattr(going_back, "checked_out", lambda commit, folder: engine.folder)
    engine.preview(1, lines([]))

    def fails(steps: Steps) -> tuple[Outcome, str]:
        steps.apply()
        steps.go_back()
        return Outcome.ROLLED_BACK, "a smoke test failed"

    ends_by(monkeypatch, fails)
    image = {"CONTENTGEN_IMAGE": "new@sha256:2"}
    assert not command.make_release(target, ADDRESS, "", image, Report())
    first, second = engine.calls("up")
    assert [first[1][name] for name in ("CONTENTGEN_COMMIT", "CONTENTGEN_IMAGE")] == ["89abcde", "new@sha256:2"]
    assert json.loads(first[1]["CONTENTGEN_EARLIER_RELEASES"])[0]["commit"] == "0123456"
    assert [second[1][name] for name in ("CONTENTGEN_COMMIT", "CONTENTGEN_IMAGE")] == ["0123456", "old@sha256:1"]
    assert second[1]["CONTENTGEN_EARLIER_RELEASES"] == "[]"
    assert "--policy-pack" in second[0]


@pytest.mark.requirement("L02")
def test_the_first_release_has_nothing_to_go_back_to_and_says_so(
    monkeypatch: pytest.MonkeyPatch, told: list[Notice], engine: PretendedEngine
) -> None:
    ends_by(monkeypatch, lambda steps: release(replace(steps, smoke=_broken), 0))
    assert not command.make_release(engine.target(), ADDRESS, "", HOOK, Report())
    assert told[0].outcome is Outcome.STUCK
    assert "no release is recorded to go back to" in told[0].why


def _broken() -> None:
    raise StepError("broken")


@pytest.mark.requirement("L02")
def test_a_release_that_is_stopped_from_outside_is_told_as_stuck(
    monkeypatch: pytest.MonkeyPatch, told: list[Notice], engine: PretendedEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(steps: Steps) -> tuple[Outcome, str]:
        raise KeyboardInterrupt

    ends_by(monkeypatch, stopped)
    with pytest.raises(KeyboardInterrupt):
        command.make_release(engine.target(), ADDRESS, "HEAD", HOOK, Report())
    (notice,) = told
    assert notice.outcome is Outcome.STUCK
    assert "stopped from outside" in notice.why
    assert "stuck between two releases" in capsys.readouterr().out


@pytest.mark.requirement("L06")
def test_a_release_that_the_checklist_stops_is_told_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, told: list[Notice], engine: PretendedEngine
) -> None:
    monkeypatch.setattr(command, "unanswered", lambda checklist, facts: ["Is there a plan? No: it is gone"])
    assert not command.make_release(engine.target(), ADDRESS, "", HOOK, Report())
    assert [(one.outcome, one.why) for one in told] == [(Outcome.REFUSED, "Is there a plan? No: it is gone")]
    assert engine.calls("up") == []


@pytest.mark.requirement("L06")
def test_this_repositorys_own_changelog_answers_its_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "read_facts", lambda path, stack, commit: None)
    found = command.facts(
        Target("prod", Path("pulumi"), ROOT, {}, ()), read(ROOT, "prod"), None, {"HOTFIX": "1"}, Report()
    )
    assert "One Pulumi program" in found.unreleased


@pytest.mark.requirement("L05")
def test_a_rollback_on_request_deploys_the_release_before_and_tells_slack_who_asked(
    monkeypatch: pytest.MonkeyPatch, told: list[Notice], engine: PretendedEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    target = engine.target()
    earlier = {"commit": "0123456", "image": "old@sha256:1", "schema": "0006"}
    engine.outputs(commit="89abcde", image="new@sha256:2", schema="0007", earlierReleases=[earlier])
    engine.preview(1, lines([]))
    monkeypatch.setattr(going_back, "checked_out", lambda commit, folder: engine.folder)
    monkeypatch.setattr(command.Service, "smoke", lambda service: None)
    assert command.make_rollback(target, ADDRESS, "", "", {**HOOK, "AUTHOR": "sam"}, Report())
    ((_, variables, _),) = engine.calls("up")
    assert [variables[name] for name in ("CONTENTGEN_COMMIT", "CONTENTGEN_IMAGE")] == ["0123456", "old@sha256:1"]
    assert [(one.outcome, one.commit, one.why) for one in told] == [
        (Outcome.ROLLED_BACK, "0123456", "asked for by sam")
    ]
    assert "the database stays at revision 0007, of which 0123456 knows 0006" in capsys.readouterr().out


@pytest.mark.requirement("L05")
def test_a_rollback_after_which_the_service_does_not_answer_is_stuck(
    monkeypatch: pytest.MonkeyPatch, told: list[Notice], engine: PretendedEngine
) -> None:
    target = engine.target()
    engine.outputs(commit="89abcde", earlierReleases=[{"commit": "0123456"}])
    engine.preview(1, lines([]))
    monkeypatch.setattr(going_back, "checked_out", lambda commit, folder: engine.folder)
    monkeypatch.setattr(command.Service, "smoke", lambda service: _broken())
    assert not command.make_rollback(target, ADDRESS, "", "", HOOK, Report())
    assert told[0].outcome is Outcome.STUCK
