"""The comment: what is said first, what gives way, what is never shown. Golden files show it whole."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ops.cost.book import TABLE, Book, Table
from ops.cost.estimate import cost_notes
from ops.report.collecting import collected
from ops.report.data import failed as failed_stack
from ops.report.markdown import LONGEST, SUMMARY, Run, comment, mark, render
from tests.report.events import failed, said, step
from tests.report.stack import DEPLOYMENT, SMALL, broken, pod, quiet, reported, whole

GOLDEN = Path(__file__).parent / "golden"
BOOK = Book(Table.model_validate(yaml.safe_load((TABLE / "aws.yaml").read_text())))
"""The agreed text is of this file alone: a price in a file of its own may add to what is assumed."""
ASSUMED = cost_notes(BOOK, BOOK.oldest)
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
def test_the_first_line_says_what_fails_and_the_sum_of_every_stack() -> None:
    first = comment([whole(), quiet()], ASSUMED).splitlines()[0]
    said = "prod: 1 to create, 1 to update, 1 to replace, 1 to delete; staging: no change"
    assert first == f"**FAILED: prod.** {said}"
    assert comment([quiet()], ASSUMED).splitlines()[:2] == ["**Passes.** staging: no change", mark()]


@pytest.mark.requirement("S04")
def test_what_would_lose_data_is_said_before_anything_else_and_why() -> None:
    text = comment([whole()], ASSUMED)
    danger = text.index(
        "`primary` (`aws:rds/instance:Instance`) would be replaced with its data because of `engineVersion`"
    )
    assert danger < text.index("| stack |") < text.index("### Policies") < text.index("### Cost")
    assert "`old-exports` (`aws:s3/bucket:Bucket`) would be deleted with its data" in text


def test_policies_come_by_weight_and_advice_is_folded() -> None:
    text = comment([whole()], ASSUMED)
    order = [text.index(word) for word in ("**mandatory**", "**did not run**", "<summary>Advice: 1", "exemption, [")]
    assert order == sorted(order)


@pytest.mark.requirement("M04")
def test_cost_is_told_with_change_budget_assumptions_and_what_has_no_price() -> None:
    text = comment([whole()], ASSUMED)
    assert "exceeded by" in text
    assert "prod, not priced: `aws:mq/broker:Broker`" in text
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
    assert text.startswith("**FAILED: prod.** prod: 500 to update\n")
    assert "more findings; the run's summary has them all" in text
    shown = text.count("<summary>prod: update")
    assert f"… and {500 - shown} more changes; the run's summary has them all" in text
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


MANY = {
    "changes": [
        step("update", DEPLOYMENT, f"s-{index:04}", pod("a" * 90), pod("b" * 90), {"spec.template.spec": "update"})
        for index in range(2_000)
    ],
    "errors": [failed(f"error {index} " + "x" * 3000) for index in range(500)],
    "lost data": [
        step("delete", "aws:rds/instance:Instance", f"database-{index:04}" + "x" * 80, SMALL, None)
        for index in range(700)
    ],
    "long messages": [said("scale-limits", f"service-{index}: " + "x" * 4000) for index in range(500)],
}


@pytest.mark.parametrize("what", [*MANY, "all at once"])
def test_whatever_is_wrong_the_comment_fits_and_says_how_much_it_leaves_out(what: str) -> None:
    events = [one for some in MANY.values() for one in some] if what == "all at once" else MANY[what]
    text = comment([reported("prod", events, "failed"), quiet()], ASSUMED)
    assert len(text) <= 60_000
    assert "the run's summary has them all" in text
    assert text.startswith("**FAILED: prod.**")
    # No section takes the room of another.
    assert "| staging | passes |" in text
    assert "This check fails: prod: " in text
    whole_list = comment([reported("prod", events, "failed"), quiet()], ASSUMED, longest=SUMMARY)
    assert len(text) < len(whole_list) <= SUMMARY


def test_the_runs_summary_has_every_one_of_two_thousand_changes() -> None:
    text = comment([reported("prod", MANY["changes"])], ASSUMED, longest=SUMMARY)
    assert text.count("<summary>prod: update") == 2_000
    assert "more changes" not in text


def test_an_error_of_many_resources_is_said_once_and_cannot_end_its_fence() -> None:
    text = comment([reported("prod", [failed("``` @everyone")] * 50, "failed")], ASSUMED)
    assert text.count("@everyone") == 1
    assert "``` @everyone" not in text


HOSTILE = "</details>\n# heading\n@everyone [a](http://x) <img src=x> `code` | cell ![b](http://y) \u202e\\"


def test_nothing_that_somebody_named_is_markdown() -> None:
    events = [
        step("update", HOSTILE, HOSTILE, {"a": HOSTILE}, {HOSTILE: HOSTILE}, {"a": "delete", HOSTILE: "add-replace"}),
        step("replace", "aws:rds/instance:Instance", HOSTILE, SMALL, SMALL, {HOSTILE: "update-replace"}),
        said("scale-limits", HOSTILE),
        said("rate-limits", HOSTILE, "advisory"),
        failed(HOSTILE),
    ]
    moved = replace(reported("prod", events, "failed"), policy_changes=[HOSTILE])
    text = render([collected(moved)], ASSUMED, judges=[HOSTILE])
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = [token for one in parser.parse(text) for token in _all(one)]
    links = {token.attrs["href"] for token in tokens if token.type == "link_open"}
    assert links <= {"docs/policies/scale-limits.md", "docs/policies/rate-limits.md"}
    assert not [token for token in tokens if token.type == "image"]
    assert {token.content for token in tokens if token.type == "heading_open"} <= {""}
    headings = [tokens[index + 1].content for index, token in enumerate(tokens) if token.type == "heading_open"]
    assert "heading" not in " ".join(headings)
    for token in tokens:
        if token.type == "text":
            assert "@everyone" not in token.content
        if token.type in ("html_inline", "html_block"):
            assert "<img" not in token.content
    tags = " ".join(token.content for token in tokens if token.type in ("html_inline", "html_block"))
    assert tags.count("<details>") == tags.count("</details>") == 3


def _all(token: Token) -> list[Token]:
    return [token, *(inner for one in token.children or () for inner in _all(one))]


AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


def run(conclusion: str = "success") -> Run:
    pages = "https://github.com/owner/name/blob/abc/docs/policies"
    return Run("0123456789abcdef", "https://github.com/owner/name/actions/runs/1", AT, pages, conclusion)


def test_the_second_line_names_the_commit_the_run_and_the_time() -> None:
    lines = comment([quiet()], ASSUMED, run()).splitlines()
    assert lines[1] == (
        "Commit `0123456789ab`, [run](https://github.com/owner/name/actions/runs/1), 2026-11-27 09:30 UTC. " + mark()
    )


def test_a_run_that_failed_is_never_said_to_pass_whatever_it_left() -> None:
    text = comment([quiet()], ASSUMED, run("failure"))
    assert text.startswith("**FAILED: the run ended with `failure`, and its reports do not say why.** staging: ")
    assert "This check passes" not in text


def test_a_rule_is_linked_to_its_page_in_the_commit_that_renders() -> None:
    text = comment([whole()], ASSUMED, run())
    assert "(https://github.com/owner/name/blob/abc/docs/policies/scale-limits.md)" in text


def test_a_stack_that_could_not_be_previewed_has_a_row_and_the_reason() -> None:
    text = render([failed_stack("prod", "the base cannot be deployed"), collected(quiet())], ASSUMED)
    assert text.startswith("**FAILED: prod.** prod: could not be previewed; staging: no change")
    assert "| prod | **FAILED**: it could not be previewed | ? | ? | ? | ? | ? | 0 | 0 | 0 |" in text
    assert "the base cannot be deployed" in text


def test_an_exemption_that_ends_soon_is_told_before_those_in_force() -> None:
    soon = "[exempt] the exemption of old-exports by platform ends in 12 days, on 2026-12-09"
    events = [said("locked-backups", soon, "advisory"), said("spread", "[exempt] cpm: apart (exempt)", "advisory")]
    text = comment([reported("prod", events)], ASSUMED)
    assert text.index("**ends soon**, [locked-backups]") < text.index("exemption, [spread]")


def test_pods_that_are_renewed_are_counted_at_the_autoscalers_minimum_with_how_long_it_takes() -> None:
    text = comment([whole()], ASSUMED)
    assert "- prod: 2 pods of 1 workloads are renewed; the longest rollout, `cpm-deployment`, takes 0 s or more" in text


def test_what_only_the_rules_of_the_base_find_has_a_section_and_fails_nothing() -> None:
    event = said("scale-limits", "cpm-hpa: spec.maxReplicas is 40; the limit is 10 instances of cpm", "advisory")
    event["policyEvent"]["policyPackName"] = "contentgen-base"  # type: ignore[index]
    text = comment([reported("staging", [event])], ASSUMED)
    assert text.startswith("**Passes.**")
    assert text.index("### By the rules of the base") < text.index("spec.maxReplicas is 40")


def test_what_both_packs_find_is_told_once() -> None:
    own = said("scale-limits", "cpm-hpa: too many", "mandatory")
    base = said("scale-limits", "cpm-hpa: too many", "advisory")
    base["policyEvent"]["policyPackName"] = "contentgen-base"  # type: ignore[index]
    text = comment([reported("prod", [own, base], "failed")], ASSUMED)
    assert text.count("cpm-hpa: too many") == 1
    assert "By the rules of the base" not in text
