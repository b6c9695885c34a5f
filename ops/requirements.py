"""``contentgen requirements``: which rows of docs/requirements.yaml the last test run proved.

A row is met when a passing test carries its id and no failing one does. Tests say so themselves, by a marker that the
test run writes into its report; so a row cannot be met by a sentence in a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import yaml

from ops.console import Report

ROWS: Final = Path("docs/requirements.yaml")
TEST_REPORT: Final = Path("reports/tests.xml")
PAGE: Final = Path("docs/requirements.md")
PROPERTY: Final = "requirement"


class RequirementsError(Exception):
    """There is no test report, or a test claims a row that does not exist."""


@dataclass(frozen=True)
class Row:
    """One thing the system must do, and the document that asks for it."""

    id: str
    area: str
    source: str
    text: str


class State(StrEnum):
    """How a test ended; one that was skipped proves nothing."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """One test of the report and the rows it carries."""

    test: str
    state: State
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """A row with the tests that speak for and against it."""

    row: Row
    passing: tuple[str, ...]
    failing: tuple[str, ...]

    @property
    def met(self) -> bool:
        return bool(self.passing) and not self.failing


def read_rows(text: str) -> tuple[Row, ...]:
    """The rows of docs/requirements.yaml, in its order."""
    areas: Mapping[str, Mapping[str, Mapping[str, str]]] = yaml.safe_load(text)
    return tuple(Row(id_, area, row["from"], row["text"]) for area, rows in areas.items() for id_, row in rows.items())


def read_outcomes(xml: str) -> tuple[Outcome, ...]:
    """The tests of a JUnit report that carry rows. The cases of one parametrized test are one name."""
    return tuple(
        Outcome(_name(case), _state(case), ids)
        for case in ElementTree.fromstring(xml).iter("testcase")
        if (ids := tuple(found.get("value", "") for found in case.iter("property") if found.get("name") == PROPERTY))
    )


def unknown(ids: Iterable[str], rows: Sequence[Row]) -> list[str]:
    """The ids that no row has."""
    return sorted(set(ids) - {row.id for row in rows})


def judge(rows: Sequence[Row], outcomes: Sequence[Outcome]) -> tuple[Verdict, ...]:
    """A verdict for every row, in the rows' order."""
    return tuple(Verdict(row, _tests(row, outcomes, State.PASSED), _tests(row, outcomes, State.FAILED)) for row in rows)


def page(verdicts: Sequence[Verdict]) -> str:
    """docs/requirements.md: by area, each row with the tests that prove it."""
    met = sum(verdict.met for verdict in verdicts)
    lines = [
        "# Requirements",
        "",
        f"Written by `make requirements` from a test run: {met} of {len(verdicts)} rows are met. A row is met when a",
        "passing test carries its id and no failing one does; what each row asks for is in requirements.yaml.",
    ]
    area = ""
    for verdict in verdicts:
        if verdict.row.area != area:
            area = verdict.row.area
            lines += ["", f"## {area}", "", "| row | | what | shown by |", "| --- | --- | --- | --- |"]
        what = verdict.row.text.replace("|", "\\|")
        lines.append(f"| {verdict.row.id} | {'met' if verdict.met else 'open'} | {what} | {_shown(verdict)} |")
    return "\n".join(lines) + "\n"


def review(root: Path, report: Report) -> None:
    """Reads the last test report, shows every row and writes docs/requirements.md.

    Rows that are open are no failure, they are work. Raises RequirementsError for what makes the answer worthless.
    """
    path = root / TEST_REPORT
    if not path.exists():
        raise RequirementsError(f"{TEST_REPORT} is not there, so nothing is known; fix: run `make test` first")
    rows = read_rows((root / ROWS).read_text())
    outcomes = read_outcomes(path.read_text())
    strangers = unknown((id_ for outcome in outcomes for id_ in outcome.rows), rows)
    if strangers:
        names = ", ".join(strangers)
        raise RequirementsError(f"{TEST_REPORT}: tests carry {names}; fix: use ids of {ROWS}, then run `make test`")
    verdicts = judge(rows, outcomes)
    (root / PAGE).write_text(page(verdicts))
    report.table("requirements", ("row", "state", "what", "tests"), [_line(verdict) for verdict in verdicts])
    report.line(f"{sum(verdict.met for verdict in verdicts)} of {len(verdicts)} rows are met; {PAGE} names the tests")


def _name(case: ElementTree.Element) -> str:
    file = case.get("file") or case.get("classname", "").replace(".", "/") + ".py"
    return f"{file}::{case.get('name', '').partition('[')[0]}"


def _state(case: ElementTree.Element) -> State:
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return State.FAILED
    return State.SKIPPED if "skipped" in kinds else State.PASSED


def _tests(row: Row, outcomes: Sequence[Outcome], state: State) -> tuple[str, ...]:
    return tuple(sorted({one.test for one in outcomes if row.id in one.rows and one.state is state}))


def _shown(verdict: Verdict) -> str:
    against = [f"fails: {test}" for test in verdict.failing]
    return "<br>".join([*against, *verdict.passing])


def _line(verdict: Verdict) -> tuple[str, str, str, str]:
    state = "met" if verdict.met else "failing" if verdict.failing else "open"
    return (verdict.row.id, state, verdict.row.text, str(len(verdict.passing)))
