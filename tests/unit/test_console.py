"""Output for people: what stands in brackets is shown, and nothing from outside is markup."""

from __future__ import annotations

import pytest

from ops.console import Report

TEXT = "cpm: http://a:[hidden]@b [exempt] rules[0] [/nothing] [bold]x[/bold] C:\\[a]"


def test_a_text_in_brackets_is_shown_in_lines_steps_and_tables(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.line(TEXT)
    report.step(TEXT)
    report.table(TEXT, ("why",), [(TEXT,)])
    assert capsys.readouterr().out.count(TEXT) == 4
