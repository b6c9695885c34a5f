"""The data of the proof as it is committed, the record of what was seen, and the mutants that are generated."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.proof.generated import EQUIVALENT, GROUPS, mutants_of, read_generated
from ops.proof.mutants import PARTIAL, Mutant, ProofDataError, Tier, read_mutants, read_partial
from ops.proof.record import RECORD, digest_of, is_proven, read_record, updated, write_record
from ops.proof.runner import Suite
from ops.proof.verdicts import Answer, Verdict
from ops.requirements import ROWS, read_rows

ONE = Mutant(row="A01", file="a.py", old="1", new="2", breaks="one")
OTHER = Mutant(row="A01", file="a.py", old="3", new="4", breaks="other")
DIGESTS = {"A01": "digest"}


def test_every_mutant_fits_the_code_as_it_is(root: Path) -> None:
    rows = {row.id for row in read_rows((root / ROWS).read_text())}
    assert read_mutants(root, rows)
    assert read_generated(root)[0]
    assert read_partial(root, rows)
    assert read_record(root)


def test_what_is_missing_of_an_unknown_row_is_refused(tmp_path: Path) -> None:
    (tmp_path / PARTIAL).parent.mkdir(parents=True)
    (tmp_path / PARTIAL).write_text("Z99: [nothing]\n")
    with pytest.raises(ProofDataError, match="row 'Z99' is not in"):
        read_partial(tmp_path, {"A01"})
    (tmp_path / PARTIAL).write_text("A01: []\n")
    with pytest.raises(ProofDataError, match="A01"):
        read_partial(tmp_path, {"A01"})


def kill(mutant: Mutant) -> Verdict:
    return Verdict(mutant, Answer.KILLED, 1.0, "tests/test_a.py::test_a")


def test_a_row_is_proven_when_each_of_its_mutants_was_killed_under_its_tests() -> None:
    record = updated({}, DIGESTS, [ONE, OTHER], [kill(ONE)])
    assert not is_proven("A01", "digest", [ONE, OTHER], record)
    record = updated(record, DIGESTS, [ONE, OTHER], [kill(OTHER)])
    assert is_proven("A01", "digest", [ONE, OTHER], record)
    assert not is_proven("A01", "of other tests", [ONE, OTHER], record)
    assert not is_proven("A01", "digest", [], record), "no mutant proves nothing"


def test_a_kill_does_not_outlive_its_mutant_its_tests_or_a_survival() -> None:
    record = updated({}, DIGESTS, [ONE, OTHER], [kill(ONE), kill(OTHER)])
    edited = OTHER.model_copy(update={"new": "5"})
    assert set(updated(record, DIGESTS, [ONE, edited], [])["A01"].killed) == {ONE.digest}
    other = updated(record, {"A01": "of other tests"}, [ONE, OTHER], [])["A01"]
    assert (other.killed, other.of) == ({}, "of other tests")
    assert other.killers == record["A01"].killed, "asked first all the same"
    assert not is_proven("A01", "of other tests", [ONE, OTHER], {"A01": other})
    again = updated({"A01": other}, {"A01": "of other tests"}, [ONE, OTHER], [kill(ONE)])["A01"]
    assert (set(again.killed), set(again.before)) == ({ONE.digest}, {OTHER.digest})
    survived = Verdict(ONE, Answer.SURVIVED, 1.0)
    assert set(updated(record, DIGESTS, [ONE, OTHER], [survived])["A01"].killed) == {OTHER.digest}


def test_the_digest_of_a_row_follows_its_sentence_and_tests_and_not_their_cases_or_order() -> None:
    assert digest_of("text", ["b::t", "a::t[1]", "a::t[2]"]) == digest_of("text", ["a::t", "b::t"])
    assert digest_of("text", ["a::t"]) != digest_of("text", ["a::u"])
    assert digest_of("text", ["a::t"]) != digest_of("other", ["a::t"])


def test_the_record_is_read_as_it_was_written_and_nothing_else(tmp_path: Path) -> None:
    record = updated({}, DIGESTS, [ONE], [kill(ONE)])
    assert read_record(tmp_path) == {}
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    moved = updated(record, {"A01": "of other tests"}, [ONE], [])
    write_record(tmp_path, moved)
    assert read_record(tmp_path) == moved
    (tmp_path / RECORD).write_text('{"A01": 1}')
    with pytest.raises(ProofDataError, match="delete it and run `make prove`"):
        read_record(tmp_path)


def test_each_comparison_and_each_number_gives_a_mutant_that_changes_it_alone() -> None:
    inside = "é = 'x'; return a < 3 and b not in (1,) and a is not None"
    text = f"def f(a, b):\n    {inside}\n\n\nx = True\ny = 2.5\nz = 'x' == y\n"
    found = {one.breaks.partition(": ")[2]: one.applied(text) for one in mutants_of("group", "a.py", text)}
    assert set(found) == {
        f"< becomes <= in: {inside}",
        f"3 becomes 4 in: {inside}",
        f"not in becomes in in: {inside}",
        f"1 becomes 2 in: {inside}",
        f"is not becomes is in: {inside}",
        "2.5 becomes 3.5 in: y = 2.5",
        "== becomes != in: z = 'x' == y",
    }
    assert "return a <= 3 and b not in (1,)" in found[f"< becomes <= in: {inside}"]
    assert "(2,)" in found[f"1 becomes 2 in: {inside}"]


def test_lines_that_stand_twice_give_two_mutants_each_in_its_place() -> None:
    text = "def f(a):\n    return a < 3\n\n\ndef g(a):\n    return a < 3\n"
    found = [one.applied(text) for one in mutants_of("group", "a.py", text) if "<=" in one.new]
    first, second = text.partition("\n\n\n")[::2]
    assert found == [text.replace("<", "<=", 1), f"{first}\n\n\n{second.replace('<', '<=')}"]


def test_groups_and_equivalent_mutants_that_name_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / GROUPS).parent.mkdir(parents=True)
    (tmp_path / GROUPS).write_text("numbers: {files: ['*.py'], tests: [tests/test_a.py]}\n")
    (tmp_path / EQUIVALENT).write_text("'a.py: 1 becomes 2 in: x': a reason\n")
    with pytest.raises(ProofDataError) as raised:
        read_generated(tmp_path)
    assert len(str(raised.value).splitlines()) == 3


def test_the_tier_of_a_mutant_is_the_fast_one_unless_it_says_another() -> None:
    assert ONE.tier is Tier.FAST


def test_tests_that_take_minutes_are_asked_last() -> None:
    files = ("tests/app/test_http.py", "tests/unit/test_mutated_files.py", "tests/unit/test_settings.py")
    assert Suite("S06", files, "S06").ordered[0] == "tests/unit/test_settings.py"
