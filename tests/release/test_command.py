"""The command around a release: whatever ends it, its outcome is printed and Slack is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.stackfile import read
from ops.console import Report
from ops.release import command
from ops.release.notice import Notice
from ops.release.process import Outcome, Steps
from ops.target import Target
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
def test_the_smoke_test_asks_for_the_headers_that_the_stack_states(
    monkeypatch: pytest.MonkeyPatch, told: list[Notice]
) -> None:
    asked: list[dict[str, str]] = []
    given = read(ROOT, "prod").model_copy(update={"headers": {"X-Frame-Options": "SAMEORIGIN"}})
    monkeypatch.setattr(command, "read", lambda root, stack: given)
    monkeypatch.setattr(command, "smoke", lambda address, headers, session: asked.append(dict(headers)))
    monkeypatch.setattr(command, "token_of", lambda target, client: "token")

    def smoked(steps: Steps) -> tuple[Outcome, str]:
        steps.smoke()
        return Outcome.RELEASED, ""

    ends_by(monkeypatch, smoked)
    assert command.make_release(TARGET, "https://x", "HEAD", {"SLACK_WEBHOOK": "https://hook"}, Report())
    assert asked[0]["X-Frame-Options"] == "SAMEORIGIN"
    assert told[0].outcome is Outcome.RELEASED
