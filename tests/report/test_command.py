"""The report of previews on the command line: its verdict, its file, and the summary of the run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ops.console import Report
from ops.report import command
from ops.report.data import FILE, read
from ops.report.events import ReportError
from tests.report.events import lines, said
from tests.report.stack import EVERYTHING


@pytest.mark.requirement("S05")
def test_a_mandatory_violation_fails_the_check_and_is_told(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preview = tmp_path / "prod.json"
    preview.write_text("".join(lines(EVERYTHING, "failed")))
    assert not command.report(root, {"prod": preview}, tmp_path / "c.md", None, Report())
    told = capsys.readouterr().out
    assert "fails: prod: scale-limits: cpm-hpa: spec.maxReplicas is 11" in told
    assert "fails: prod: pod-security could not run" in told


@pytest.mark.requirement("S05")
def test_in_dev_a_rule_that_could_not_run_is_advice_like_all_others(root: Path, tmp_path: Path) -> None:
    preview = tmp_path / "dev.json"
    preview.write_text("".join(lines([one for one in EVERYTHING if "mandatory" not in json.dumps(one)])))
    assert command.report(root, {"dev": preview}, tmp_path / "c.md", None, Report())


def test_a_preview_that_is_not_there_is_named_with_the_fix(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not command.report(root, {"prod": tmp_path / "none.json"}, tmp_path / "c.md", None, Report())
    assert re.search(r"fails: prod: prod: there is no preview .*fix: make pr-check", capsys.readouterr().out)
    assert "there is no preview" in (tmp_path / "c.md").read_text()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_a_preview_that_is_cut_off_anywhere_is_told_in_its_row_and_the_others_stay(
    root: Path, tmp_path: Path, share: float
) -> None:
    whole, quiet = "".join(lines(EVERYTHING)), "".join(lines([]))
    (tmp_path / "prod.json").write_text(whole[: int(len(whole) * share)])
    (tmp_path / "dev.json").write_text(quiet)
    previews = {stack: tmp_path / f"{stack}.json" for stack in ("prod", "dev")}
    assert not command.report(root, previews, tmp_path / "c.md", None, Report())
    text = (tmp_path / "c.md").read_text()
    assert text.startswith("**FAILED: prod.** dev: no change; prod: could not be previewed")
    assert (read(tmp_path / "data" / "dev" / FILE).reasons, read(tmp_path / "data" / "prod" / FILE).reasons) == (
        [],
        ["it could not be previewed"],
    )


def test_a_preview_that_is_cut_off_within_a_letter_is_told_like_any_other(root: Path, tmp_path: Path) -> None:
    whole = "".join(lines([said("scale-limits", "größer als erlaubt")])).replace("\\u00f6", "ö").encode()
    (tmp_path / "prod.json").write_bytes(whole[: whole.index("ö".encode()) + 1])
    assert not command.report(root, {"prod": tmp_path / "prod.json"}, tmp_path / "c.md", None, Report())
    assert "it is cut off, run it again" in (tmp_path / "c.md").read_text()


def test_the_whole_list_is_in_the_runs_summary(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    found = [said("scale-limits", f"service-{index}: " + "x" * 900) for index in range(200)]
    (tmp_path / "prod.json").write_text("".join(lines(found, "failed")))
    command.report(root, {"prod": tmp_path / "prod.json"}, tmp_path / "c.md", None, Report())
    assert "service-199" in (tmp_path / "summary.md").read_text()
    assert "service-99:" not in (tmp_path / "c.md").read_text()


@pytest.mark.parametrize("wrong", ["prod", "=x", "prod="])
def test_a_preview_on_the_command_line_is_stack_and_path(wrong: str) -> None:
    with pytest.raises(ReportError, match="allowed is stack=path"):
        command.chosen([wrong])


def test_a_pull_request_needs_its_number_and_a_token() -> None:
    assert command.pull_request_of("owner/name#7", {"GITHUB_TOKEN": "x"}).number == 7
    with pytest.raises(ReportError, match="allowed is owner/name#number"):
        command.pull_request_of("owner#7", {"GITHUB_TOKEN": "x"})
    with pytest.raises(ReportError, match="GITHUB_TOKEN is not set"):
        command.pull_request_of("owner/name#7", {})
