"""The comment: what is said first, what gives way, what is never shown. Golden files show it whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ops.cost.book import load
from ops.cost.estimate import cost_notes
from ops.report.markdown import LONGEST, comment, mark
from tests.report.events import failed, said, step
from tests.report.stack import DEPLOYMENT, SMALL, broken, pod, quiet, reported, whole

GOLDEN = Path(__file__).parent / "golden"
ASSUMED = cost_notes(load(), load().oldest)
CANARIES = (
    "canary-one-horse-battery",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_0123456789abcdefghijABCDEFGHIJ",
    "canary-in-address",
    "canary-in-pem",
)


@pytest.mark.requirement("S04")
@pytest.mark.requirement("M04")
@pytest.mark.parametrize(
    ("name", "reports"),
    [("everything", [whole(), quiet()]), ("nothing", [quiet()]), ("failed", [broken(), quiet()])],
)
def test_the_comment_is_the_one_that_was_agreed(name: str, reports: list) -> None:
    path = GOLDEN / f"{name}.md"
    text = comment(reports, ASSUMED)
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.requirement("S04")
def test_the_first_line_is_the_sum_of_every_stack() -> None:
    first = comment([whole(), quiet()], ASSUMED).splitlines()[0]
    said = "prod: 1 to create, 1 to update, 1 to replace, 1 to delete; staging: no change"
    assert first == f"**{said}** {mark(['prod', 'staging'])}"


@pytest.mark.requirement("S04")
def test_what_would_lose_data_is_said_before_anything_else_and_why() -> None:
    text = comment([whole()], ASSUMED)
    danger = text.index(
        "`primary` (aws:rds/instance:Instance) would be replaced with its data because of `engineVersion`"
    )
    assert danger < text.index("| stack |") < text.index("### Policies") < text.index("### Cost")
    assert "`old-exports` (aws:s3/bucket:Bucket) would be deleted with its data" in text


def test_policies_come_by_weight_and_advice_is_folded() -> None:
    text = comment([whole()], ASSUMED)
    order = [text.index(word) for word in ("**mandatory**", "**did not run**", "exemption, [", "<summary>Advice: 1")]
    assert order == sorted(order)


@pytest.mark.requirement("M04")
def test_cost_is_told_with_change_budget_assumptions_and_what_has_no_price() -> None:
    text = comment([whole()], ASSUMED)
    assert "exceeded by" in text
    assert "prod, not priced: aws:sqs/queue:Queue" in text
    assert "Assumed: 730 hours a month" in text


@pytest.mark.requirement("M04")
def test_nothing_is_said_of_cost_where_it_does_not_change() -> None:
    assert "Cost" not in comment([quiet()], ASSUMED)


def test_the_same_previews_give_the_same_comment() -> None:
    assert comment([whole(), quiet()], ASSUMED) == comment([whole(), quiet()], ASSUMED)


@pytest.mark.requirement("S04")
def test_five_hundred_changes_fit_with_the_summary_whole_and_the_rest_counted() -> None:
    changes = [
        step(
            "update",
            DEPLOYMENT,
            f"service-{index:03}",
            pod("a" * 90),
            pod("b" * 90),
            {
                "spec.template.spec.containers[0].image": "update",
                "metadata.labels.version": "add",
            },
        )
        for index in range(500)
    ]
    found = [said("spread", f"service-{index:03}: nothing keeps its pods apart") for index in range(500)]
    text = comment([reported("prod", [*changes, *found], "failed")], ASSUMED)
    assert len(text) <= LONGEST
    assert text.startswith("**prod: 500 to update**")
    assert "| prod | 0 | 500 | **0**" not in text
    assert "and 460 more in the job's log" in text
    shown = text.count("<summary>prod: update")
    assert f"… and {500 - shown} more changes" in text
    assert shown > 100


def test_no_canary_is_in_the_comment_wherever_it_was_put() -> None:
    before = {
        "password": CANARIES[0],
        "note": f"key {CANARIES[1]}",
        "description": f"token {CANARIES[2]}",
        "address": f"postgres://app:{CANARIES[3]}@db/app",
        "file": f"-----BEGIN PRIVATE KEY-----\n{CANARIES[4]}\n-----END PRIVATE KEY-----",
        "settings": {"apiKey": CANARIES[0]},
        "env": [{"name": "DATABASE_PASSWORD", "value": CANARIES[0]}],
    }
    differing = dict.fromkeys(before, "update")
    events = [
        step("update", DEPLOYMENT, "cpm", before, dict.fromkeys(before, "new"), differing),
        step("update", "kubernetes:core/v1:Secret", "s", {"data": {"x": CANARIES[0]}}, {}, {"data.x": "delete"}),
        said("no-plain-secrets", f"cpm: holds {CANARIES[1]} and https://me:{CANARIES[3]}@host"),
    ]
    text = comment([reported("prod", events, "failed")], ASSUMED)
    assert not [canary for canary in CANARIES if canary in text]
    assert "[hidden]" in text
    assert "`new`" in text


def test_a_table_is_not_torn_by_what_stands_in_a_value() -> None:
    odd = {"a": "one | two\nthree `four`"}
    text = comment([reported("prod", [step("update", DEPLOYMENT, "x", odd, {"a": "five"}, {"a": "update"})])], ASSUMED)
    assert "| `a` | `one \\| two\\nthree 'four'` | `five` |" in text


def test_protected_values_stay_hidden_in_a_database() -> None:
    changed = {**SMALL, "password": "new"}
    text = comment(
        [reported("prod", [step("update", "aws:rds/instance:Instance", "p", SMALL, changed, {"password": "update"})])],
        ASSUMED,
    )
    assert "| `password` | `[hidden]` | `[hidden]` |" in text


@pytest.mark.requirement("S04")
def test_a_preview_that_failed_is_never_said_to_change_nothing() -> None:
    same = [step("same", DEPLOYMENT, f"s-{index}", pod("a"), pod("a")) for index in range(10)]
    for events in (
        [*same, failed("boom")],
        [*same, step("update", DEPLOYMENT, "x", pod("a"), pod("b"), {"a": "update"}), failed("boom")],
    ):
        first = comment([reported("prod", events, "failed")], ASSUMED).splitlines()[0]
        assert f"prod: FAILED after {len(events) - 1} resources" in first
        assert "no change" not in first and "to update" not in first


def test_of_a_preview_that_failed_no_cost_is_told() -> None:
    new = step("create", "aws:rds/instance:Instance", "p", None, SMALL)
    assert "### Cost" in comment([reported("prod", [new])], ASSUMED)
    assert "### Cost" not in comment([reported("prod", [new, failed("boom")], "failed")], ASSUMED)


@pytest.mark.parametrize(
    "events",
    [
        [failed(f"error {index} " + "x" * 3000) for index in range(60)],
        [
            step("delete", "aws:rds/instance:Instance", f"database-{index:04}" + "x" * 80, SMALL, None)
            for index in range(700)
        ],
        [said("scale-limits", f"service-{index}: " + "x" * 4000) for index in range(60)],
    ],
    ids=["errors", "lost data", "long messages"],
)
def test_whatever_is_wrong_the_comment_fits(events: list) -> None:
    text = comment([reported("prod", events, "failed")], ASSUMED)
    assert len(text) <= LONGEST
    assert "more" in text


def test_an_error_of_many_resources_is_said_once_and_cannot_end_its_fence() -> None:
    text = comment([reported("prod", [failed("``` @everyone")] * 50, "failed")], ASSUMED)
    assert text.count("@everyone") == 1
    assert "``` @everyone" not in text
