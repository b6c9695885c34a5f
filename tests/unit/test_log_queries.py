"""The ready questions to the logs, on lines as the service writes them and on lines that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.log_queries import QUERIES, answer


def line(second: int, **fields: object) -> str:
    moment = f"2026-01-01T{10 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000000Z"
    return json.dumps({"timestamp": moment, "level": "info", "service": "cpm", "instance_id": "cpm-0", **fields})


@pytest.mark.requirement("A08")
def test_the_hundred_latest_requests_over_5000_ms_come_newest_first() -> None:
    slow = [
        line(second, endpoint="/generate", duration_ms=5000.1, client_id="acme", level="warning")
        for second in range(101)
    ]
    quick = [line(500, endpoint="/generate", duration_ms=5000.0), line(501, event="started")]
    found = answer(QUERIES["slow"], [*slow, *quick])
    assert found.columns == ("timestamp", "endpoint", "duration_ms", "client_id")
    assert len(found.rows) == 100
    assert found.rows[0] == ("2026-01-01T10:01:40.000000Z", "/generate", 5000.1, "acme")
    assert found.rows[-1][0] == "2026-01-01T10:00:01.000000Z"


@pytest.mark.requirement("A08")
def test_failures_of_the_last_hour_are_counted_by_kind_with_their_mean_duration() -> None:
    lines = [
        line(0, level="error", error_type="Old", duration_ms=1),
        line(3601, level="error", error_type="OSError", duration_ms=10),
        line(3602, level="error", error_type="OSError", duration_ms=30),
        line(3603, level="warning", error_type="provider_timeout"),
        line(3604, level="info", error_type="expected", duration_ms=5),
        line(3605, level="error", event="without a kind"),
        line(3606, level="error", error_type="KeyError", duration_ms=20),
    ]
    found = answer(QUERIES["errors"], lines)
    assert found.columns == ("error_type", "count", "avg_duration")
    assert found.rows == (("OSError", 2, 20.0), ("KeyError", 1, 20.0), ("provider_timeout", 1, None))


def test_what_is_no_json_object_is_counted_and_left_out() -> None:
    found = answer(QUERIES["slow"], ["", "Traceback (most recent call last):", "[1]", line(1, duration_ms=6000)])
    assert (len(found.rows), found.unread) == (1, 2)


def test_the_command_reads_files_and_answers_machines(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text(line(1, endpoint="/jobs", duration_ms=6000) + "\nnot json\n")
    done = CliRunner().invoke(app, ["logs", "slow", str(file), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "rows": [
            {"timestamp": "2026-01-01T10:00:01.000000Z", "endpoint": "/jobs", "duration_ms": 6000, "client_id": None}
        ],
        "unread": 1,
    }
    people = CliRunner().invoke(app, ["logs", "slow"], input=file.read_text())
    assert "/jobs" in people.stdout and "1 line(s) are no JSON" in people.stdout


@pytest.mark.parametrize("arguments", [["quick"], ["slow", "/nowhere/log"]])
def test_a_question_or_a_file_that_is_not_there_is_told(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["logs", *arguments])
    assert done.exit_code != 0
    assert "there are slow, errors" in str(done.exception) or "cannot be read" in str(done.exception)
