"""The checklist of a release: what can be checked is checked here, the rest is for people (requirement L06)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from ops.release.plan_facts import PlanFacts
from ops.release.rehearsal import NO_OBJECTION, Rehearsal

CHECKLIST: Final = Path("docs/releases/checklist.yaml")
PLACEHOLDER: Final = "sha256:" + "0" * 64


class Item(BaseModel):
    """One question of docs/releases/checklist.yaml, which says what ``asked_by`` and ``by`` mean."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    asked_by: Literal["C", "us"]
    by: Literal["workflow", "person", "platform", "release"]
    ask: str
    check: str = ""


@dataclass(frozen=True)
class Facts:
    """The state of things before a release. ``problem_of_settings`` is empty for a sound stack file; ``migrations`` are
    the files of new ones; ``notices`` are the addresses of each kind of alert.
    """

    planned: PlanFacts
    plan: Path
    tests_passed: bool
    image: str
    back_to_is_here: bool
    unreleased: str
    problem_of_settings: str = ""
    migrations: tuple[str, ...] = ()
    migrations_tested: bool = False
    notices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rehearsal: Rehearsal = NO_OBJECTION


def read(root: Path) -> tuple[Item, ...]:
    """The questions of the repository, in order."""
    return tuple(Item.model_validate(one) for one in yaml.safe_load((root / CHECKLIST).read_text()))


def unanswered(items: tuple[Item, ...], facts: Facts) -> list[str]:
    """Failed questions of the workflow, each with its finding."""
    found = []
    for item in items:
        if item.by == "workflow":
            problem = CHECKS[item.check](facts)
            if problem:
                found.append(f"{item.ask} No: {problem}")
    return found


def _tests_passed(facts: Facts) -> str:
    return "" if facts.tests_passed else "reports/tests.xml is missing or reports failures; run make test"


def _plan_is_there(facts: Facts) -> str:
    return "" if facts.plan.exists() else f"{facts.plan} is not there; run make plan"


def _no_violation(facts: Facts) -> str:
    return "; ".join(facts.planned.violations)


def _no_data_lost(facts: Facts) -> str:
    return "; ".join(facts.planned.endangered)


def _within_budget(facts: Facts) -> str:
    spent, budget = facts.planned.monthly_usd, facts.planned.budget
    if budget is None:
        return "the stack has no budget"
    return "" if spent <= budget else f"${spent:,.2f} of ${budget:,.2f} a month"


def _settings_hold(facts: Facts) -> str:
    return facts.problem_of_settings


def _image_is_real(facts: Facts) -> str:
    real = "@sha256:" in facts.image and not facts.image.endswith(PLACEHOLDER)
    return "" if real else f"{facts.image} is no digest of a build"


def _can_go_back(facts: Facts) -> str:
    return "" if facts.back_to_is_here else "git does not have that commit; fetch the history"


def _migrations_tested(facts: Facts) -> str:
    untested = facts.migrations and not facts.migrations_tested
    named = ", ".join(facts.migrations)
    return f"reports/tests.xml has no test of migrations, and {named} is new; run make test" if untested else ""


def _alerts_reach_people(facts: Facts) -> str:
    silent = [kind for kind, addresses in facts.notices.items() if not addresses]
    return f"no address is set for {', '.join(silent)}; fix: set contentgen:{silent[0]}" if silent else ""


def _staging_first(facts: Facts) -> str:
    return facts.rehearsal.deployed


def _staging_passed(facts: Facts) -> str:
    return facts.rehearsal.passed


def _changes_are_told(facts: Facts) -> str:
    return "" if facts.unreleased.strip() else "CHANGELOG.md has nothing under Unreleased"


CHECKS: Final[Mapping[str, Callable[[Facts], str]]] = {
    "tests_passed": _tests_passed,
    "plan_is_there": _plan_is_there,
    "no_violation": _no_violation,
    "no_data_lost": _no_data_lost,
    "within_budget": _within_budget,
    "settings_hold": _settings_hold,
    "migrations_tested": _migrations_tested,
    "alerts_reach_people": _alerts_reach_people,
    "staging_first": _staging_first,
    "staging_passed": _staging_passed,
    "image_is_real": _image_is_real,
    "can_go_back": _can_go_back,
    "changes_are_told": _changes_are_told,
}
"""Checks by their names in the list; each returns the problem, or nothing."""
