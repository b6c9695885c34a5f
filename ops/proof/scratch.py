"""Scratch copies of the checkout, in which files are edited while the checkout itself stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from ops.proof.mutants import Mutant

ENVIRONMENT: Final = ".venv"


class ScratchError(Exception):
    """The checkout cannot be copied."""


def copy_checkout(root: Path, folder: Path) -> None:
    """A clone of the checkout with its changes that are not committed, and its virtual environment by a link.

    Raises ScratchError where the checkout is not a git repository.
    """
    _git(root, "clone", "--quiet", "--shared", str(root), str(folder))
    changed = _git(root, "diff", "--name-only", "-z", "HEAD") + _git(root, "ls-files", "-o", "--exclude-standard", "-z")
    for name in filter(None, changed.split("\0")):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    if (root / ENVIRONMENT).exists():
        (folder / ENVIRONMENT).symlink_to(root / ENVIRONMENT)


class Scratch:
    """One copy of the checkout, changed by one mutant at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Compiled modules are found by whole seconds and size: each version of a file gets a second of its own.
        self._seconds = count(1_000_000_000)

    @contextmanager
    def mutated(self, mutant: Mutant) -> Iterator[None]:
        """The copy with the mutant's edit, until the end of the block. Raises ProofDataError where its text is gone."""
        path = self.folder / mutant.file
        text = path.read_text()
        edited = mutant.applied(text)
        try:
            self._write(path, edited)
            yield
        finally:
            self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text)
        second = next(self._seconds)
        os.utime(path, (second, second))


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode:
        raise ScratchError(f"git {arguments[0]} in {root}: {done.stderr.strip()}; fix: run in a clone of the project")
    return done.stdout
