"""Rows that a test run proves, and that no test can claim a row that does not exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.console import Report
from ops.requirements import (
    PAGE,
    ROWS,
    TEST_REPORT,
    Outcome,
    RequirementsError,
    Row,
    Standing,
    State,
    judge,
    page,
    read_outcomes,
    read_rows,
    review,
    unknown,
)

YAML = """
service:
  A01: {from: A, text: "up to 10 | instances"}
  A02: {from: A, text: "im"}
data:
  P01: {from: B, text: "Postgres"}
"""
ROWS_READ = (
    Row("A01", "service", "A", "up to 10 | instances"),
    Row("A02", "service", "A", "im"),
    Row("P01", "data", "B", "Postgres"),
)
CASE = """<testcase classname="tests.unit.test_x" file="tests/unit/test_x.py" name="{name}">
<properties><property name="requirement" value="{row}"/><property name="other" value="x"/></properties>
{inner}</testcase>"""


def xml(*cases: tuple[str, str, str]) -> str:
    inside = "".join(CASE.format(name=name, row=row, inner=inner) for name, row, inner in cases)
    return f'<testsuites><testsuite>{inside}<testcase classname="a" name="unmarked"/></testsuite></testsuites>'


def outcome(row: str, state: State, test: str = "t") -> Outcome:
    return Outcome(test, state, (row,))


def met(*outcomes: Outcome) -> list[str]:
    return [verdict.row.id for verdict in judge(ROWS_READ, outcomes) if verdict.standing is Standing.SHOWN]


def standing(*outcomes: Outcome, missing: tuple[str, ...] = (), proven: bool = False) -> Standing:
    first, *_ = judge(ROWS_READ, outcomes, {"A01": missing}, {"A01"} if proven else ())
    return first.standing


def test_a_row_is_proven_only_whole_and_only_while_its_tests_pass() -> None:
    shown = outcome("A01", State.PASSED)
    assert standing() is Standing.OPEN
    assert standing(proven=True) is Standing.OPEN, "a proof of long ago shows nothing without a test"
    assert standing(outcome("A01", State.FAILED), proven=True) is Standing.OPEN
    assert standing(shown) is Standing.SHOWN
    assert standing(shown, proven=True) is Standing.PROVEN
    assert standing(shown, missing=("half",), proven=True) is Standing.PARTIAL


def test_rows_are_read_in_the_files_order() -> None:
    assert read_rows(YAML) == ROWS_READ


def test_a_row_is_met_by_a_passing_test_alone() -> None:
    assert met(outcome("A01", State.PASSED)) == ["A01"]


@pytest.mark.parametrize("state", [State.FAILED, State.SKIPPED])
def test_a_row_is_not_met_by_a_test_that_did_not_pass(state: State) -> None:
    assert met(outcome("A01", state)) == []


def test_one_failing_test_keeps_a_row_open_and_a_skipped_one_does_not() -> None:
    assert met(outcome("A01", State.PASSED), outcome("A01", State.FAILED, "other")) == []
    assert met(outcome("A01", State.PASSED), outcome("A01", State.SKIPPED, "other")) == ["A01"]


def test_the_report_is_read_with_every_way_a_test_can_end_and_cases_as_one_test() -> None:
    found = read_outcomes(
        xml(
            ("test_a[1]", "A01", ""),
            ("test_a[2]", "A01", "<failure/>"),
            ("test_b", "A02", "<error/>"),
            ("test_c", "P01", "<skipped/>"),
        )
    )
    name = "tests/unit/test_x.py::test_"
    assert found == (
        Outcome(f"{name}a", State.PASSED, ("A01",)),
        Outcome(f"{name}a", State.FAILED, ("A01",)),
        Outcome(f"{name}b", State.FAILED, ("A02",)),
        Outcome(f"{name}c", State.SKIPPED, ("P01",)),
    )


def test_the_page_names_the_proving_tests_and_does_not_depend_on_their_order() -> None:
    one, other = outcome("A01", State.PASSED, "z"), outcome("A01", State.PASSED, "a")
    written = page(judge(ROWS_READ, (one, other)))
    assert written == page(judge(ROWS_READ, (other, one)))
    assert "of 3 rows 0 proven, 0 partial, 1 shown, 2 open." in written
    assert "| A01 | shown | up to 10 \\| instances | a<br>z |" in written
    assert "| P01 | open | Postgres |  |" in written


def test_the_page_says_what_is_missing_of_a_row_that_is_met_in_part() -> None:
    written = page(judge(ROWS_READ, [outcome("A02", State.PASSED)], {"A02": ("C's 30 s | 1024 MB",)}))
    assert "| A02 | partial | im | missing: C's 30 s \\| 1024 MB<br>t |" in written


def test_an_unknown_id_is_named() -> None:
    assert unknown(["A01", "Z99", "A09"], ROWS_READ) == ["A09", "Z99"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with rows and no report yet."""
    for path, text in ((ROWS, YAML), (TEST_REPORT, "")):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / TEST_REPORT).unlink()
    return tmp_path


def test_a_missing_report_is_told_with_the_fix(project: Path) -> None:
    with pytest.raises(RequirementsError, match=r"reports/tests.xml is not there.*fix: run `make test`"):
        review(project, Report())


def test_a_report_with_an_unknown_id_is_refused(project: Path) -> None:
    (project / TEST_REPORT).write_text(xml(("test_a", "Z99", "")))
    with pytest.raises(RequirementsError, match="tests carry Z99"):
        review(project, Report())
    assert not (project / PAGE).exists()


def test_open_rows_are_shown_and_are_no_failure(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / TEST_REPORT).write_text(xml(("test_a", "A01", "")))
    review(project, Report())
    assert (
        "of 3 rows 0 proven, 0 partial, 1 shown, 2 open; docs/requirements.md names the tests"
        in capsys.readouterr().out
    )
    assert "| A02 | open |" in (project / PAGE).read_text()


def test_a_marker_with_an_unknown_id_stops_the_collection(pytester: pytest.Pytester, root: Path) -> None:
    pytester.makeconftest((root / "tests" / "conftest.py").read_text().replace("resolve().parent.parent", "parent"))
    pytester.makeini("[pytest]\nmarkers =\n  requirement(id): a row\n")
    pytester.mkdir("docs").joinpath("requirements.yaml").write_text(YAML)
    pytester.makepyfile("import pytest\n@pytest.mark.requirement('Z99')\ndef test_a():\n    assert True\n")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:asyncio")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*does not have:*", "*test_a carries 'Z99'*"])


def test_markers_are_written_into_the_report(pytester: pytest.Pytester, root: Path) -> None:
    pytester.makeconftest((root / "tests" / "conftest.py").read_text().replace("resolve().parent.parent", "parent"))
    pytester.makeini("[pytest]\njunit_family = xunit1\nmarkers =\n  requirement(id): a row\n")
    pytester.mkdir("docs").joinpath("requirements.yaml").write_text(YAML)
    pytester.makepyfile("import pytest\n@pytest.mark.requirement('A02')\ndef test_a():\n    assert True\n")
    pytester.runpytest_inprocess("--junitxml=out.xml", "-p", "no:cacheprovider", "-p", "no:asyncio")
    (found,) = read_outcomes((pytester.path / "out.xml").read_text())
    assert (found.state, found.rows) == (State.PASSED, ("A02",))
