"""The questions before a release: the document's thirteen and ours, answered by the workflow or left to people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ops.release.checklist import CHECKS, PLACEHOLDER, Facts, read, unanswered
from ops.release.command import migrations_tested
from ops.release.command import tests_passed as passed_in
from ops.release.plan_facts import PlanFacts, PlanFactsError, written
from ops.release.plan_facts import read as read_facts
from ops.release.proposal import body
from ops.release.rehearsal import Rehearsal
from tests.report.events import said, step
from tests.report.stack import DATABASE, LARGE, SMALL, reported, whole

BUDGET = step("same", "aws:budgets/budget:Budget", "month", {"limitAmount": "900"}, {"limitAmount": "900"})
PASSED = '<testsuites><testsuite tests="3" failures="0" errors="0"/></testsuites>'


def planned(*told: object) -> PlanFacts:
    """The facts of a preview of these steps, or of the whole example where none are given."""
    return PlanFacts.of("prod", "abc", reported("prod", *told) if told else whole())


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    """A release against which nothing speaks."""
    plan = tmp_path / "plan.json"
    plan.write_text("{}")
    good = [step("update", DATABASE, "primary", SMALL, LARGE, {"instanceClass": "update"}), BUDGET]
    image = "registry.example.com/app@sha256:" + "1" * 64
    return Facts(
        planned(good), plan, tests_passed=True, image=image, back_to_is_here=True, unreleased="- something new"
    )


C_ASKS = (
    ("tests", "All tests pass (unit, integration, E2E)"),
    ("reviewed", "Code reviewed and approved"),
    ("migrations", "Database migrations tested (if applicable)"),
    ("variables", "Environment variables updated (if needed)"),
    ("flags", "Feature flags configured"),
    ("alerts", "Monitoring alerts configured"),
    ("back", "Rollback plan documented"),
    ("announced", "Stakeholders notified"),
    ("staging", "Deployed to staging first"),
    ("staging-smoke", "Smoke tests pass on staging"),
    ("approved", "Production deployment approved"),
    ("smoke", "Smoke tests pass on production"),
    ("watched", "Post-deployment monitoring (30 minutes)"),
)


@pytest.mark.requirement("L06")
def test_the_thirteen_questions_of_the_document_are_asked_in_its_order_and_each_has_somebody_who_answers(
    root: Path,
) -> None:
    items = read(root)
    theirs = [one for one in items if one.asked_by == "C"]
    assert [one.id for one in theirs] == [id_ for id_, _ in C_ASKS]
    assert len(theirs) == 13
    by = {one.id: one.by for one in theirs}
    assert [id_ for id_ in by if by[id_] == "workflow"] == [
        "tests", "migrations", "variables", "alerts", "back", "staging", "staging-smoke",
    ]  # fmt: skip
    assert [id_ for id_ in by if by[id_] == "person"] == ["reviewed", "flags", "announced"]
    assert (by["approved"], by["smoke"], by["watched"]) == ("platform", "release", "release")
    assert len({one.id for one in items}) == len(items) == 21
    assert {one.check for one in items if one.by == "workflow"} == set(CHECKS)
    assert not any(one.check for one in items if one.by != "workflow")
    assert all(one.ask.endswith("?") for one in items)


@pytest.mark.requirement("L06")
def test_a_release_against_which_nothing_speaks_goes_on(root: Path, facts: Facts) -> None:
    assert unanswered(read(root), facts) == []


@pytest.mark.requirement("L06")
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"tests_passed": False}, "reports/tests.xml is missing"),
        ({"plan": Path("/nowhere/plan.json")}, "plan.json is not there; run make plan"),
        (
            {"planned": planned([said("spread", "cpm: apart"), BUDGET], "failed")},
            "spread: cpm: apart",
        ),
        ({"planned": planned()}, "primary would be replaced"),
        (
            {"planned": planned([step("create", DATABASE, "p", None, {**LARGE, "multiAz": True})])},
            "no budget",
        ),
        (
            {"planned": planned([step("create", DATABASE, str(n), None, LARGE) for n in range(12)] + [BUDGET])},
            "of $900.00 a month",
        ),
        ({"problem_of_settings": "Pulumi.prod.yaml: 1 setting is wrong"}, "1 setting is wrong"),
        ({"image": f"registry.example.com/app@{PLACEHOLDER}"}, "is no digest of a build"),
        ({"image": "app:latest"}, "is no digest of a build"),
        ({"back_to_is_here": False}, "git does not have that commit"),
        ({"unreleased": "\n"}, "nothing under Unreleased"),
        ({"migrations": ("0008_x.py",)}, "has no test of migrations, and 0008_x.py is new; run make test"),
        (
            {"notices": {"alerts.notify": ("a@b.org",), "backup.notify": ()}},
            "no address is set for backup.notify; fix: set contentgen:backup.notify",
        ),
        ({"rehearsal": Rehearsal(deployed="staging runs 0123")}, "deployed to staging first? No: staging runs 0123"),
        ({"rehearsal": Rehearsal(passed="/ready answers 503")}, "pass on staging? No: /ready answers 503"),
    ],
)
def test_each_of_its_questions_stops_a_release_and_says_why(root: Path, facts: Facts, wrong: dict, told: str) -> None:
    found = " ".join(unanswered(read(root), replace(facts, **wrong)))
    assert told in found


@pytest.mark.requirement("L06")
def test_the_facts_of_a_plan_come_back_as_they_were_kept(tmp_path: Path) -> None:
    path, kept = tmp_path / "plan-facts.json", planned()
    written(path, kept)
    assert read_facts(path, "prod", "abc") == kept
    assert kept.endangered and kept.violations


@pytest.mark.requirement("L06")
@pytest.mark.parametrize(
    ("stack", "commit", "told"),
    [
        ("staging", "abc", "the plan is of stack prod, and staging is released"),
        ("prod", "def", "the plan is of commit abc, and def is released"),
    ],
)
def test_a_plan_of_another_stack_or_commit_is_not_released(tmp_path: Path, stack: str, commit: str, told: str) -> None:
    path = tmp_path / "plan-facts.json"
    written(path, planned())
    with pytest.raises(PlanFactsError, match=told):
        read_facts(path, stack, commit)


@pytest.mark.parametrize("text", [None, "", "{}", '{"stack": "prod"}'])
def test_facts_that_are_missing_or_cut_off_are_named_with_the_fix(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "plan-facts.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(PlanFactsError, match=r"plan-facts\.json .* fix: make plan STACK=prod"):
        read_facts(path, "prod", "abc")


def test_no_input_of_a_resource_is_among_the_facts() -> None:
    canary = "canary-of-a-password"
    secret = step("create", DATABASE, "p", None, {**LARGE, "password": canary})
    assert canary not in planned([secret, BUDGET]).model_dump_json()


@pytest.mark.parametrize(
    ("text", "passed"),
    [(PASSED, True), (PASSED.replace('failures="0"', 'failures="1"'), False), ("<testsuites/>", False)],
)
def test_a_test_report_counts_when_it_tells_of_tests_and_of_no_failure(tmp_path: Path, text: str, passed: bool) -> None:
    report = tmp_path / "tests.xml"
    report.write_text(text)
    assert passed_in(report) is passed
    assert not passed_in(tmp_path / "none.xml")


@pytest.mark.requirement("L06")
@pytest.mark.parametrize(
    ("case", "tested"),
    [
        ('<testcase classname="tests.app.test_migrations" name="x"/>', True),
        ('<testcase classname="tests.app.test_migrations" name="x"><skipped/></testcase>', False),
        ('<testcase classname="tests.app.test_jobs" name="x"/>', False),
    ],
)
def test_migrations_count_as_tested_when_a_test_of_them_ran(tmp_path: Path, case: str, tested: bool) -> None:
    report = tmp_path / "tests.xml"
    report.write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")
    assert migrations_tested(report) is tested
    assert not migrations_tested(tmp_path / "none.xml")


@pytest.mark.requirement("L03")
def test_the_proposal_of_the_weekly_release_leaves_boxes_for_people_alone(root: Path) -> None:
    text = body(read(root), date(2027, 1, 5))
    assert text.count("- [ ]") == 5
    assert text.count("(the workflow checks)") == 13
    assert text.count("(the environment's approval asks)") == 1
    assert text.count("(the release does it, and goes back when it fails)") == 2
