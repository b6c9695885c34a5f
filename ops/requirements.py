"""``contentgen requirements``: the state of each row of docs/requirements.yaml after the last test run.

Tests carry the ids of their rows by a marker that the run writes into its report; what ``contentgen prove`` saw of
their mutants is in tests/proof/record.json. So a row has no state by a sentence in a document, except that it is met in
part: tests/proof/partial.yaml names what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import yaml

from ops.console import Report
from ops.proof.mutants import read_mutants, read_partial
from ops.proof.record import digest_of, is_proven, read_record

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
    """Outcome of a test; one that was skipped proves nothing."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Standing(StrEnum):
    """State of a row, from nothing to everything."""

    OPEN = "open"
    """No passing test carries it, or a failing one does."""
    SHOWN = "shown"
    """A passing test carries it."""
    PARTIAL = "partial"
    """A passing test carries it, and something of it is missing."""
    PROVEN = "proven"
    """Its tests were seen to fail with each of its mutants."""


@dataclass(frozen=True)
class Outcome:
    """One test of the report and the rows it carries."""

    test: str
    state: State
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """A row with the tests that speak for and against it, and what the proof says of it."""

    row: Row
    passing: tuple[str, ...]
    failing: tuple[str, ...]
    missing: tuple[str, ...] = ()
    """Missing parts of a row that is met in part."""
    proven: bool = False
    """Each mutant of the row was noticed by these tests."""

    @property
    def standing(self) -> Standing:
        """The state of the row."""
        if self.failing or not self.passing:
            return Standing.OPEN
        if self.missing:
            return Standing.PARTIAL
        return Standing.PROVEN if self.proven else Standing.SHOWN


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


def judge(
    rows: Sequence[Row],
    outcomes: Sequence[Outcome],
    missing: Mapping[str, tuple[str, ...]] | None = None,
    proven: Collection[str] = (),
) -> tuple[Verdict, ...]:
    """A verdict for every row, in the rows' order."""
    return tuple(
        Verdict(
            row,
            _tests(row, outcomes, State.PASSED),
            _tests(row, outcomes, State.FAILED),
            (missing or {}).get(row.id, ()),
            row.id in proven,
        )
        for row in rows
    )


def page(verdicts: Sequence[Verdict]) -> str:
    """docs/requirements.md: by area, each row with its state, its tests, and what is missing of it."""
    lines = [
        "# Requirements",
        "",
        f"Written by `make requirements` from a test run and from what `make prove` recorded: {counts(verdicts)}.",
        "",
        "- open: no passing test carries the row, or a failing one does.",
        "- shown: a passing test carries it.",
        "- partial: shown, and something of it is missing, as said beside it.",
        "- proven: its tests were seen to fail with each of its mutants (tests/proof/mutants).",
        "",
        "What each row asks for is in requirements.yaml.",
    ]
    area = ""
    for verdict in verdicts:
        if verdict.row.area != area:
            area = verdict.row.area
            lines += ["", f"## {area}", "", "| row | | what | shown by |", "| --- | --- | --- | --- |"]
        what = verdict.row.text.replace("|", "\\|")
        lines.append(f"| {verdict.row.id} | {verdict.standing} | {what} | {_shown(verdict)} |")
    return "\n".join(lines) + "\n"


def counts(verdicts: Sequence[Verdict]) -> str:
    """Number of rows in each state, in words."""
    numbers = {state: sum(verdict.standing is state for verdict in verdicts) for state in reversed(Standing)}
    parts = ", ".join(f"{number} {state}" for state, number in numbers.items())
    return f"of {len(verdicts)} rows {parts}"


def proven_rows(root: Path, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> frozenset[str]:
    """Rows whose mutants were all killed by the tests that carry them now. Raises ProofDataError."""
    mutants, record = read_mutants(root, {row.id for row in rows}), read_record(root)
    tests = {row.id: [one.test for one in outcomes if row.id in one.rows] for row in rows}
    return frozenset(row.id for row in rows if is_proven(row.id, digest_of(row.text, tests[row.id]), mutants, record))


def review(root: Path, report: Report) -> None:
    """Reads the last test report, shows every row and writes docs/requirements.md.

    Rows that are open are no failure, they are work. Raises RequirementsError and ProofDataError for what makes the
    answer worthless.
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
    missing = read_partial(root, {row.id for row in rows})
    verdicts = judge(rows, outcomes, missing, proven_rows(root, rows, outcomes))
    (root / PAGE).write_text(page(verdicts))
    report.table("requirements", ("row", "state", "what", "tests"), [_line(verdict) for verdict in verdicts])
    report.line(f"{counts(verdicts)}; {PAGE} names the tests")


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
    lacking = [f"missing: {one}".replace("|", "\\|") for one in verdict.missing]
    return "<br>".join([*against, *lacking, *verdict.passing])


def _line(verdict: Verdict) -> tuple[str, str, str, str]:
    state = "failing" if verdict.failing else str(verdict.standing)
    return (verdict.row.id, state, verdict.row.text, str(len(verdict.passing)))
