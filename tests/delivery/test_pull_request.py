"""`make pr-check` on a branch: the base is really deployed, a deliberate bad change fails the check and the comment
says why, and the way back from a good one is really gone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.toolchain.origin import ensure
from ops.pull_request import complaint
from ops.report.data import StackData, read
from ops.report.markdown import mark
from tests.engine.releasing import Repository
from tests.engine.world import World

TWO_CHANGES = {
    "components/budget.py": ('time_unit="MONTHLY"', 'time_unit="QUARTERLY"'),
    "components/pgbouncer.py": ("GRACE_SECONDS: Final = 60", "GRACE_SECONDS: Final = 61"),
}


@pytest.fixture
def branch(tmp_path: Path) -> Repository:
    """This checkout as a repository of its own: its one commit is the base, and changes come on top."""
    ensure(print)
    repository = Repository(tmp_path / "head", World(tmp_path / "state", tmp_path / "home"))
    repository.begin()
    return repository


def checked(branch: Repository, stack: str) -> tuple[int, str, str, StackData]:
    """``contentgen pr-check`` of the changes in a repository's folder: exit code, output, comment, the stack's data."""
    done = branch.contentgen("pr-check", "--base", "HEAD", "--stack", stack)
    reports = branch.folder / "reports"
    assert (reports / "preview.md").exists(), done.stdout[-4000:]
    data = read(reports / "data" / stack / "report.json")
    return done.returncode, done.stdout, (reports / "preview.md").read_text(), data


@pytest.mark.requirement("S04")
@pytest.mark.requirement("S05")
@pytest.mark.requirement("M04")
@pytest.mark.parametrize("stack", ["local", "staging"])
def test_a_bad_change_fails_the_check_and_the_comment_tells_what_changes_and_which_policy_it_breaks(
    branch: Repository, stack: str
) -> None:
    """In the cluster and with managed stores; production is the same program, three times staging."""
    for name, (before, after) in TWO_CHANGES.items():
        branch.edit(name, before, after)
    code, output, comment, data = checked(branch, stack)
    assert code == 1, output[-4000:]
    assert f"fails: {stack}: budget: the stack: has no monthly budget" in output
    first = comment.splitlines()[0]
    assert first.startswith(f"**FAILED: {stack}.** {stack}: ")
    assert "to update" in first
    assert mark() in comment
    assert f"{stack}, **mandatory**, [budget](docs/policies/budget.md)" in comment
    assert "| `timeUnit` | `MONTHLY` | `QUARTERLY` |" in comment
    assert "terminationGracePeriodSeconds" in comment
    assert "This check fails: " in comment
    assert data.kinds("mandatory")
    assert f"- {stack}: not tried: `a policy stops this change`" in comment
    assert "password" not in comment.lower().replace("[hidden]", "")


@pytest.mark.requirement("S04")
@pytest.mark.requirement("L02")
def test_the_way_back_of_a_change_with_a_migration_is_gone_and_the_comment_says_what_stays(branch: Repository) -> None:
    branch.edit("components/pgbouncer.py", *TWO_CHANGES["components/pgbouncer.py"])
    branch.add_migration()
    branch.add_protected_resource()
    code, output, comment, data = checked(branch, "local")
    assert code == 0, output[-4000:]
    assert data.rollback is not None, output[-4000:]
    assert (data.rollback.verdict, data.rollback.because) == ("clean", ())
    assert 1 <= data.rollback.seconds <= 300
    assert data.rollback.staying == ("added-by-the-release",)
    assert "### Rollback" in comment
    assert "- local: goes back cleanly in " in comment
    assert "protected additions stay: `added-by-the-release`" in comment


def test_of_a_base_that_cannot_be_deployed_the_engines_complaint_is_told_and_not_its_outputs() -> None:
    outputs = "\n".join(f"    [{number}]: name" for number in range(40))
    told = complaint(f"creating...\nDiagnostics:\n  job (prod-backup): it failed\n\nOutputs:\n{outputs}")
    assert told.splitlines()[0] == "job (prod-backup): it failed"
    assert complaint("one\ntwo") == "one\ntwo"
