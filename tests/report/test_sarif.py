"""Findings for code scanning: SARIF 2.1.0, a result for each, told apart by stack and resource."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops.console import Report
from ops.report import command
from ops.report.sarif import sarif
from tests.report.events import failed, lines, said
from tests.report.stack import EVERYTHING, reported, whole


def results(text: str) -> list[dict]:
    (run,) = json.loads(text)["runs"]
    return run["results"]


def test_every_finding_is_a_result_at_its_stacks_file_with_its_level() -> None:
    found = {(one["ruleId"], one["level"]) for one in results(sarif([whole().preview]))}
    assert found == {
        ("scale-limits", "error"),
        ("pod-security", "note"),
        ("locked-backups", "warning"),
        ("rate-limits", "warning"),
    }
    (limits,) = [one for one in results(sarif([whole().preview])) if one["ruleId"] == "scale-limits"]
    assert limits["message"]["text"] == "cpm-hpa: spec.maxReplicas is 11; the limit is 10 instances of cpm"
    (place,) = limits["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "Pulumi.prod.yaml"
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "prod/cpm-hpa"


def test_what_is_exempted_is_suppressed_with_its_reason_and_nothing_else_is() -> None:
    suppressed = [one for one in results(sarif([whole().preview])) if "suppressions" in one]
    assert [one["ruleId"] for one in suppressed] == ["locked-backups"]
    assert "exempt until 2027-03-31 by platform" in suppressed[0]["suppressions"][0]["justification"]


def test_one_finding_of_two_stacks_is_two_alerts() -> None:
    both = results(sarif([whole().preview, reported("dev", EVERYTHING, "failed").preview]))
    prints = [one["partialFingerprints"]["resource"] for one in both]
    assert len(set(prints)) == len(prints) == 8


def test_every_rule_of_a_result_is_described_once_with_its_page() -> None:
    (run,) = json.loads(sarif([whole().preview], "https://forge/shop/blob/abc/docs/policies"))["runs"]
    described = {one["id"]: one for one in run["tool"]["driver"]["rules"]}
    assert set(described) == {one["ruleId"] for one in run["results"]}
    assert described["scale-limits"]["helpUri"] == "https://forge/shop/blob/abc/docs/policies/scale-limits.md"
    assert "docs/policies/scale-limits.md" in described["scale-limits"]["help"]["text"]


def test_a_relative_address_which_the_format_does_not_take_is_left_out() -> None:
    (run,) = json.loads(sarif([whole().preview]))["runs"]
    assert not [one for one in run["tool"]["driver"]["rules"] if "helpUri" in one]


def test_the_pages_are_those_of_the_runs_commit() -> None:
    of_run = {
        "GITHUB_SERVER_URL": "https://forge",
        "GITHUB_REPOSITORY": "shop/web",
        "GITHUB_SHA": "abc",
    }
    assert command.pages_of(of_run) == "https://forge/shop/web/blob/abc/docs/policies"
    assert command.pages_of({}) == command.pages_of({**of_run, "GITHUB_SHA": ""}) == ""


def test_a_password_in_a_message_is_neither_in_the_file_nor_in_the_log(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [
        said("known-origins", "config: CORS_ORIGINS is http://shop:hunter2canary@example.com"),
        said("pod-security", "can't run policy 'pod-security' on cpm: http://a:hunter2canary@b", "advisory"),
        said("rate-limits", "[exempt] api: --password=hunter2canary (exempt until 2027-03-31 by a: b)", "advisory"),
        failed("cannot reach postgres://owner:hunter2canary@db/app"),
    ]
    (tmp_path / "prod.json").write_text("".join(lines(events, "failed")))
    command.report(root, {"prod": tmp_path / "prod.json"}, tmp_path / "c.md", None, Report())
    (tmp_path / "prod.json").unlink()
    written = [one.read_text() for one in tmp_path.rglob("*") if one.is_file()]
    assert len(written) == 3
    assert "hunter2canary" not in "".join([*written, capsys.readouterr().out])


def test_the_file_is_written_beside_the_comment(root: Path, tmp_path: Path) -> None:
    preview = tmp_path / "prod.json"
    preview.write_text("".join(lines(EVERYTHING, "failed")))
    command.report(root, {"prod": preview}, tmp_path / "c.md", None, Report())
    text = (tmp_path / "c.sarif").read_text()
    assert json.loads(text)["version"] == "2.1.0"
    assert len(results(text)) == 4
