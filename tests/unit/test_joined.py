"""The report of all tests is made of those of each run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.requirements import State, read_outcomes
from tests.joined import join

ONE = '<testsuites><testsuite><testcase classname="tests.a" name="{}">{}{}</testcase></testsuite></testsuites>'
ROW = '<properties><property name="requirement" value="A01"/></properties>'


def test_the_tests_of_every_part_are_in_the_whole_with_their_rows_and_failures(tmp_path: Path) -> None:
    parts = tmp_path / "one.xml", tmp_path / "two.xml"
    parts[0].write_text(ONE.format("test_good", ROW, ""))
    parts[1].write_text(ONE.format("test_bad", ROW, "<failure/>"))
    join(parts, tmp_path / "whole.xml")
    found = {one.test: (one.state, one.rows) for one in read_outcomes((tmp_path / "whole.xml").read_text())}
    assert found == {
        "tests/a.py::test_good": (State.PASSED, ("A01",)),
        "tests/a.py::test_bad": (State.FAILED, ("A01",)),
    }


def test_a_part_that_is_missing_makes_no_report(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        join((tmp_path / "one.xml",), tmp_path / "whole.xml")
    assert not (tmp_path / "whole.xml").exists()
