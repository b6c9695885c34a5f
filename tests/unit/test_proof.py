"""The proof itself, on a project of a few lines: what counts as noticed, and what fails the command."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ops.console import Report
from ops.proof import runner
from ops.proof.command import prove
from ops.proof.generated import EQUIVALENT, GROUPS
from ops.proof.mutants import FOLDER, ProofDataError, Tier
from ops.proof.record import RECORD

APP = """import math


def double(number: int) -> int:
    return number * 2


def limit() -> int:
    return 10


def half(number: int) -> int:
    return math.floor(number / 2)
"""
TESTS = """import subprocess
import sys
from pathlib import Path

import pytest

import app


@pytest.mark.requirement("R1")
def test_double():
    assert app.double(2) == 4


@pytest.mark.requirement("R2")
def test_limit():
    assert app.limit() == 10


@pytest.fixture
def halved():
    return app.half(4)


@pytest.mark.requirement("R3")
def test_half(halved):
    assert halved == 2


@pytest.mark.requirement("R5")
def test_that_fails_already():
    assert app.double(2) == 5


@pytest.mark.requirement("R6")
def test_this_process_and_its_children_use_the_code_beside_the_tests():
    here = Path(__file__).parent.parent
    asked = [sys.executable, "-c", "import app; print(app.__file__); print(app.limit())"]
    told = subprocess.run(asked, capture_output=True, text=True, cwd="/").stdout.split()
    assert (Path(app.__file__).parent, told) == (here, [str(here / "app.py"), "10"])
"""
ROWS = {name: {"from": "A", "text": f"the row {name}"} for name in ("R1", "R2", "R3", "R4", "R5", "R6")}


def edit(old: str, new: str, breaks: str, file: str = "app.py") -> dict[str, str]:
    return {"file": file, "old": old, "new": new, "breaks": breaks}


MUTANTS = {
    "R1": [
        edit("number * 2", "number * 3", "noticed"),
        edit("return 10", "return 12", "of no interest to the row"),
        edit("import math", "import meth", "cannot be imported"),
        edit("number * 2", "nobody * 2", "is no program"),
        edit("return number * 2", "while True: pass", "never ends"),
    ],
    # Of one size and within one second: a compiled module that is out of date would look the same.
    "R2": [edit("return 10", "return 11", "noticed"), edit("return 10", "return 9+1", "the same in other words")],
    "R3": [edit("math.floor(number / 2)", "math.nothing(number)", "breaks what the test stands on")],
    "R4": [edit("return 10", "return 13", "without tests")],
    "R5": [edit("number * 2", "number * 7", "whose tests fail anyway")],
    "R6": [edit("return 10", "return 14", "noticed in a child")],
}


def project(folder: Path, mutants: object = MUTANTS) -> Path:
    """A repository with the code committed; the mutants are not."""
    for name, text in {
        "app.py": APP,
        "tests/test_app.py": TESTS,
        "docs/requirements.yaml": json.dumps({"a": ROWS}),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  requirement(id): a row\n")
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *command], check=True)
    (folder / FOLDER).mkdir(parents=True)
    (folder / FOLDER / "all.yaml").write_text(json.dumps(mutants))
    return folder


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], bool]:
    """The project after a proof: its folder, the answer to each mutant, and whether the command was content."""
    root = project(tmp_path_factory.mktemp("project"))
    told: list[str] = []
    report = Report()
    report.json = told.append  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "LATE_SECONDS", 10.0)
        content = prove(root, report, rows=(), tier=Tier.FAST, as_json=True)
    answers = {f"{one['row']} {one['breaks']}": one["answer"] for one in json.loads(told[0])["mutants"]}
    return root, answers, content


def test_a_mutant_is_killed_only_by_a_test_that_fails_by_itself(proven: tuple[Path, dict[str, str], bool]) -> None:
    assert proven[1] == {
        "R1 noticed": "killed",
        "R1 of no interest to the row": "survived",
        "R1 cannot be imported": "accident",
        "R1 is no program": "accident",
        "R1 never ends": "late",
        "R2 noticed": "killed",
        "R2 the same in other words": "survived",
        "R3 breaks what the test stands on": "accident",
        "R4 without tests": "no tests",
        "R5 whose tests fail anyway": "baseline fails",
        "R6 noticed in a child": "killed",
    }


def test_anything_but_a_kill_fails_the_command(proven: tuple[Path, dict[str, str], bool]) -> None:
    assert proven[2] is False


def test_the_checkout_is_as_it_was_and_the_record_has_the_kills(proven: tuple[Path, dict[str, str], bool]) -> None:
    root = proven[0]
    assert (root / "app.py").read_text() == APP
    record = json.loads((root / RECORD).read_text())
    assert {row: len(one["killed"]) for row, one in record.items()} == {"R1": 1, "R2": 1, "R6": 1}
    assert next(iter(record["R1"]["killed"].values())) == "tests/test_app.py::test_double"


def test_one_row_alone_can_be_proven_and_leaves_the_others_in_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path, {"R1": MUTANTS["R1"][:1], "R2": MUTANTS["R2"][:1]})
    assert prove(root, Report(), rows=("R1",), tier=Tier.FAST, as_json=False)
    assert prove(root, Report(), rows=("R2",), tier=Tier.FAST, as_json=False)
    assert set(json.loads((root / RECORD).read_text())) == {"R1", "R2"}
    assert "1 of 1 mutants killed" in capsys.readouterr().out


def test_a_row_without_mutants_is_refused_with_those_that_have_some(tmp_path: Path) -> None:
    root = project(tmp_path, {"R1": MUTANTS["R1"][:1]})
    with pytest.raises(ProofDataError, match=r"no mutant of R9 in tier fast; rows and groups with mutants: R1"):
        prove(root, Report(), rows=("R9",), tier=Tier.FAST, as_json=False)


def test_everything_that_is_wrong_with_the_data_is_told_at_once(tmp_path: Path) -> None:
    wrong = {
        "R1": [
            edit("return", "retrun", "twice"),
            edit("gone", "x", "no longer there"),
            edit("return 10", "return 10", "changes nothing"),
            edit("return 10", "return (", "is no Python"),
            edit("a", "b", "no file", file="nothere.py"),
            edit("import math", "import os", "one"),
            edit("import math", "import os", "one again"),
        ],
        "R9": [edit("return 10", "return 11", "a row that is not there")],
    }
    root = project(tmp_path, wrong)
    with pytest.raises(ProofDataError) as raised:
        prove(root, Report(), rows=(), tier=Tier.FAST, as_json=False)
    told = str(raised.value).splitlines()
    for part in (
        "the old text occurs 3 times in app.py",
        "the old text occurs 0 times in app.py",
        "old and new text are equal",
        "app.py does not parse with the edit (line 9)",
        "the file nothere.py is missing",
        "one again: the same edit stands twice",
        "row 'R9' is not in docs/requirements.yaml",
    ):
        assert sum(part in line for line in told) == 1, part
    assert len(told) == 7


def test_a_file_of_another_form_is_named_with_the_key(tmp_path: Path) -> None:
    root = project(tmp_path, {"R1": [{"file": "app.py", "old": "a", "new": 1, "breaks": "x", "more": "y"}]})
    with pytest.raises(ProofDataError, match=r"(?s)all.yaml.*R1.0.new.*R1.0.more"):
        prove(root, Report(), rows=(), tier=Tier.FAST, as_json=False)


def test_generated_mutants_of_a_group_are_killed_by_its_tests_or_are_equivalent_for_a_reason(tmp_path: Path) -> None:
    root = project(tmp_path, {})
    (root / GROUPS).write_text(json.dumps({"numbers": {"files": ["app.py"], "tests": ["tests/test_app.py"]}}))
    (root / "tests/test_app.py").write_text(
        "import app\n\ndef test_a():\n    assert (app.double(2), app.limit()) == (4, 10)\n"
    )
    assert not prove(root, Report(), rows=("numbers",), tier=Tier.FAST, as_json=False), "half survives"
    (root / EQUIVALENT).write_text(json.dumps({"app.py: 2 becomes 3 in: return math.floor(number / 2)": "nobody asks"}))
    assert prove(root, Report(), rows=("numbers",), tier=Tier.FAST, as_json=False)
    assert set(json.loads((root / RECORD).read_text())) == {"numbers"}, (
        "so that the next proof asks the right test first"
    )
