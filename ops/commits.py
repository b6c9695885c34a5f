"""The files of another commit, deployed by their own code: a pull request's base, or where a release goes back to."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Final

from ops.checkout import CHECKOUT

LOCK: Final = "requirements.lock"


class CommitError(Exception):
    """A commit that git does not have here."""


def checked_out(commit: str, folder: Path) -> Path:
    """The files of a commit in a folder, with an environment of their own where their dependencies differ.

    Raises CommitError for one that is not there.
    """
    done = subprocess.run(
        ["git", "archive", "--format=tar", commit],  # noqa: S607 - git is the user's own
        cwd=CHECKOUT,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommitError(f"{commit} is no commit here: {done.stderr.decode().strip()}; fix: git fetch")
    with tarfile.open(fileobj=BytesIO(done.stdout)) as files:
        files.extractall(folder, filter="data")
    if (folder / LOCK).read_bytes() == (CHECKOUT / LOCK).read_bytes():
        (folder / ".venv").symlink_to(sys.prefix)
    else:
        subprocess.run([sys.executable, "ops/bootstrap.py"], cwd=folder, check=True)
    return folder
