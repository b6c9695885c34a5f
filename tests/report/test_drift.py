"""Drift is told against the commit that runs, and what no state knows is found by its tags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ops import drift as drifting
from ops.console import Report
from ops.inventory import tagged, untracked
from ops.release.record import Record, Release
from ops.target import Target

DATABASE = "arn:aws:rds:us-east-1:123456789012:db:prod-primary"
STATE = json.dumps(
    {
        "deployment": {
            "resources": [
                {"type": "aws:rds/instance:Instance", "outputs": {"arn": DATABASE}},
                {
                    "type": "aws:cloudwatch/logGroup:LogGroup",
                    "outputs": {"arn": "arn:aws:logs:us-east-1:1:log-group:a"},
                },
            ]
        }
    }
)


def test_what_is_under_the_stacks_tags_and_in_no_state_is_named() -> None:
    by_hand = "arn:aws:ec2:us-east-1:123456789012:security-group/sg-1"
    assert untracked([DATABASE, by_hand, "arn:aws:logs:us-east-1:1:log-group:a:*"], STATE) == [by_hand]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:rds:us-east-1:123456789012:snapshot:rds:prod-primary-2026-11-27-03-00",
        "arn:aws:rds:us-east-1:123456789012:auto-backup:ab-1",
        "arn:aws:elasticache:us-east-1:123456789012:cluster:prod-cache-001",
        "arn:aws:elasticache:us-east-1:123456789012:snapshot:automatic.prod-cache-2026",
        "arn:aws:backup:us-east-1:123456789012:recovery-point:1",
    ],
)
def test_what_aws_makes_of_a_tracked_resource_is_no_drift(arn: str) -> None:
    assert untracked([arn], STATE) == []


def test_a_snapshot_by_hand_is_told() -> None:
    by_hand = "arn:aws:rds:us-east-1:123456789012:snapshot:before-the-change"
    assert untracked([by_hand], STATE) == [by_hand]


class Pages:
    """The tagging API with two pages."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, object]] = []

    def get_resources(self, **arguments: object) -> Mapping[str, object]:
        self.asked.append(arguments)
        second = "PaginationToken" in arguments
        return {
            "ResourceTagMappingList": [{"ResourceARN": "arn:b" if second else "arn:a", "Tags": []}],
            "PaginationToken": "" if second else "more",
        }


def test_every_page_is_asked_for_by_all_of_the_stacks_own_tags() -> None:
    pages = Pages()
    found = list(tagged(pages, {"contentgen:stack": "prod", "contentgen:product": "x"}))  # type: ignore[arg-type]
    assert found == ["arn:a", "arn:b"]
    assert pages.asked[0]["TagFilters"] == [
        {"Key": "contentgen:product", "Values": ["x"]},
        {"Key": "contentgen:stack", "Values": ["prod"]},
    ]
    assert pages.asked[1]["PaginationToken"] == "more"


def target(tmp_path: Path) -> Target:
    return Target("prod", tmp_path / "pulumi", tmp_path, {}, ())


def test_drift_is_told_against_the_deployed_commit_and_image_and_not_against_the_branch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running = Release.model_validate({"commit": "0123456789abcdef", "image": "registry/app@sha256:aa", "schema": "4"})
    monkeypatch.setattr(drifting, "record_of", lambda _: Record(running))
    monkeypatch.setattr(drifting, "checked_out", lambda commit, folder: folder / commit)
    found = drifting.as_deployed(target(tmp_path), tmp_path / "files", Report())
    assert found.workspace == tmp_path / "files" / "0123456789abcdef"
    assert {"0123456789abcdef", "registry/app@sha256:aa"} <= set(found.environment.values())
    assert "comparing with the deployed commit 0123456789ab" in capsys.readouterr().out


def test_a_stack_without_a_record_is_compared_with_this_checkout_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drifting, "record_of", lambda _: Record(None))
    given = target(tmp_path)
    assert drifting.as_deployed(given, tmp_path / "files", Report()) is given
    assert "no deployed commit is recorded" in capsys.readouterr().out
