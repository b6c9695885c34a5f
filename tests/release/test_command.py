"""The command around a release: whatever ends it, its outcome is printed and Slack is told."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from infra.stackfile import read
from ops.console import Report
from ops.release import command
from ops.release.notice import Notice
from ops.release.process import Outcome, StepError, Steps, release
from ops.release.record import RecordError, recorded_commit
from ops.target import Target, real
from tests.unit.program import ROOT

TARGET = Target("prod", Path("pulumi"), ROOT, {}, ())


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Notice]:
    """What Slack hears; the checklist has no objection."""
    heard: list[Notice] = []
    monkeypatch.setattr(command, "unanswered", lambda checklist, facts: ())
    monkeypatch.setattr(command, "facts", lambda stack, settings, back_to: None)
    monkeypatch.setattr(command, "tell", lambda notice, webhook: heard.append(notice) or True)
    return heard


def ends_by(monkeypatch: pytest.MonkeyPatch, ending: Callable[[Steps], tuple[Outcome, str]]) -> None:
    monkeypatch.setattr(command, "release", lambda steps, seconds: ending(steps))


@pytest.fixture
def engine(tmp_path: Path) -> Target:
    """An engine that answers with the outputs of a stack, and writes down how it was called."""
    program = tmp_path / "pulumi"
    program.write_text(
        f"""#!{sys.executable}
import json, os, sys
with open({str(tmp_path / "calls")!r}, "a") as calls:
    calls.write(json.dumps([sys.argv[1:], os.environ.get("CONTENTGEN_COMMIT", "")]) + "\\n")
if sys.argv[1:3] == ["stack", "output"]:
    print(open({str(tmp_path / "outputs")!r}).read())
"""
    )
    program.chmod(0o755)
    (tmp_path / "outputs").write_text("{}")
    return replace(real("prod", {"PATH": str(tmp_path)}, tmp_path), environment={"PATH": os.environ["PATH"]})


def calls(engine: Target) -> list[list[object]]:
    return [json.loads(line) for line in (engine.workspace / "calls").read_text().splitlines()]


@pytest.mark.requirement("L02")
def test_a_release_goes_back_to_the_commit_that_the_stack_records_and_records_its_own(
    monkeypatch: pytest.MonkeyPatch, told: list[Notice], engine: Target
) -> None:
    (engine.workspace / "outputs").write_text('{"commit": "0123456", "api": "https://x"}')
    monkeypatch.setattr(command, "_commit", lambda: "89abcde")
    monkeypatch.setattr(command, "checked_out", lambda commit, folder: engine.workspace)

    def fails(steps: Steps) -> tuple[Outcome, str]:
        steps.apply()
        steps.go_back()
        return Outcome.ROLLED_BACK, "a smoke test failed"

    ends_by(monkeypatch, fails)
    assert not command.make_release(engine, "https://x", "", {}, Report())
    updates = [(arguments, commit) for arguments, commit in calls(engine) if arguments[0] == "up"]  # type: ignore[index]
    assert [commit for _, commit in updates] == ["89abcde", "0123456"]
    assert "--policy-pack" in updates[1][0]  # type: ignore[operator]


@pytest.mark.requirement("L02")
def test_the_first_release_has_nothing_to_go_back_to_and_says_so(
    monkeypatch: pytest.MonkeyPatch, told: list[Notice], engine: Target
) -> None:
    ends_by(monkeypatch, lambda steps: release(replace(steps, smoke=_broken), 0))
    assert not command.make_release(engine, "https://x", "", {"SLACK_WEBHOOK": "https://hook"}, Report())
    assert told[0].outcome is Outcome.STUCK
    assert "no release is recorded to go back to" in told[0].why


def _broken() -> None:
    raise StepError("broken")


def test_outputs_that_cannot_be_read_are_an_error_with_the_engines_words(engine: Target) -> None:
    (engine.workspace / "outputs").unlink()
    with pytest.raises(RecordError, match="FileNotFoundError"):
        recorded_commit(engine)


@pytest.mark.requirement("L02")
def test_a_release_that_is_stopped_from_outside_is_told_as_stuck(
    monkeypatch: pytest.MonkeyPatch, told: list[Notice], capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(steps: Steps) -> tuple[Outcome, str]:
        raise KeyboardInterrupt

    ends_by(monkeypatch, stopped)
    with pytest.raises(KeyboardInterrupt):
        command.make_release(TARGET, "https://x", "HEAD", {"SLACK_WEBHOOK": "https://hook"}, Report())
    (notice,) = told
    assert notice.outcome is Outcome.STUCK
    assert "stopped from outside" in notice.why
    assert "stuck between two releases" in capsys.readouterr().out


@pytest.mark.requirement("L02")
def test_the_smoke_test_has_a_session_and_asks_for_the_headers_that_the_stack_states(
    monkeypatch: pytest.MonkeyPatch, told: list[Notice]
) -> None:
    asked: list[tuple[dict[str, str], str]] = []
    given = read(ROOT, "prod").model_copy(update={"headers": {"X-Frame-Options": "SAMEORIGIN"}})
    monkeypatch.setattr(command, "read", lambda root, stack: given)
    monkeypatch.setattr(command, "smoke", lambda address, headers, session: asked.append((dict(headers), session)))
    monkeypatch.setattr(command, "token_of", lambda target, client: f"token of {client}")

    def smoked(steps: Steps) -> tuple[Outcome, str]:
        steps.smoke()
        return Outcome.RELEASED, ""

    ends_by(monkeypatch, smoked)
    assert command.make_release(TARGET, "https://x", "HEAD", {"SLACK_WEBHOOK": "https://hook"}, Report())
    ((headers, session),) = asked
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert session == "token of smoke-test"
    assert told[0].outcome is Outcome.RELEASED
