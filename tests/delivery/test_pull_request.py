"""`make pr-check` on a branch with a deliberate bad change: the base is really deployed, the check fails, and the
comment says why.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.toolchain.origin import ensure
from ops.pull_request import COMMAND, complaint
from ops.report.data import read
from ops.report.markdown import mark

TWO_CHANGES = {
    "components/budget.py": ('time_unit="MONTHLY"', 'time_unit="QUARTERLY"'),
    "components/pgbouncer.py": ("GRACE_SECONDS: Final = 60", "GRACE_SECONDS: Final = 61"),
}


def git(folder: Path, *arguments: str) -> str:
    """Output of git; commits are nobody's."""
    command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def branch(root: Path, tmp_path: Path) -> Path:
    """This checkout as a repository of its own: its one commit is the base, the two changes are on top."""
    folder = tmp_path / "head"
    folder.mkdir()
    listed = git(root, "ls-files", "-z")
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((root / name).read_bytes())
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "base")
    (folder / ".venv").symlink_to(sys.prefix)
    for name, (before, after) in TWO_CHANGES.items():
        text = (folder / name).read_text()
        assert before in text, name
        (folder / name).write_text(text.replace(before, after))
    return folder


@pytest.mark.requirement("S04")
@pytest.mark.requirement("S05")
@pytest.mark.requirement("M04")
@pytest.mark.parametrize("stack", ["local", "staging"])
def test_a_bad_change_fails_the_check_and_the_comment_tells_what_changes_and_which_policy_it_breaks(
    branch: Path, stack: str
) -> None:
    """In the cluster and with managed stores; production is the same program, three times staging."""
    ensure(print)
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "pr-check", "--base", "HEAD", "--stack", stack],
        cwd=branch,
        env={**os.environ, "PYTHONPATH": str(branch), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-4000:]
    assert f"fails: {stack}: budget: the stack: has no monthly budget" in done.stdout
    comment = (branch / "reports" / "preview.md").read_text()
    first = comment.splitlines()[0]
    assert first.startswith(f"**FAILED: {stack}.** {stack}: ")
    assert "to update" in first
    assert mark() in comment
    assert f"{stack}, **mandatory**, [budget](docs/policies/budget.md)" in comment
    assert "| `timeUnit` | `MONTHLY` | `QUARTERLY` |" in comment
    assert "terminationGracePeriodSeconds" in comment
    assert "This check fails: " in comment
    assert read(branch / "reports" / "data" / stack / "report.json").kinds("mandatory")
    assert "password" not in comment.lower().replace("[hidden]", "")


def test_of_a_base_that_cannot_be_deployed_the_engines_complaint_is_told_and_not_its_outputs() -> None:
    outputs = "\n".join(f"    [{number}]: name" for number in range(40))
    told = complaint(f"creating...\nDiagnostics:\n  job (prod-backup): it failed\n\nOutputs:\n{outputs}")
    assert told.splitlines()[0] == "job (prod-backup): it failed"
    assert complaint("one\ntwo") == "one\ntwo"
