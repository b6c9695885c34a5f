"""Commands for a running stack on one that is not: refused at once, with nothing started and no file changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from ops import exit_codes

CONTENTGEN = Path(sys.prefix) / "bin" / "contentgen"


def ended(*arguments: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A command to its end, with what it printed."""
    return subprocess.run(
        [str(CONTENTGEN), *arguments], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", ["drift", "refresh", "rollback", "rotate", "token"])
def test_a_stack_that_is_not_running_is_refused_before_a_cloud_is_started_for_it(
    command: str, root: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    declared = (root / "Pulumi.staging.yaml").read_text()
    done = ended(command, "--stack", "staging", variables={"CONTENTGEN_STATE": str(state)})
    assert done.returncode == exit_codes.MACHINE
    assert done.stderr == "staging is not running; fix: make up STACK=staging\n"
    assert not state.exists()
    assert (root / "Pulumi.staging.yaml").read_text() == declared


def test_a_stack_that_does_not_exist_is_told_so_and_not_that_it_must_be_brought_up(tmp_path: Path) -> None:
    done = ended("drift", "--stack", "nope", variables={"CONTENTGEN_STATE": str(tmp_path / "state")})
    assert done.returncode == exit_codes.USAGE
    assert "there is no such stack file" in done.stderr
