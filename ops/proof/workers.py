"""One worker: a scratch copy of the checkout and a fork server that runs tests in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from ops.proof.scratch import Scratch, copy_checkout

FORK_SERVER: Final = Path(__file__).with_name("forkserver.py")
NOTHING_COLLECTED: Final = 5
ACCIDENTS: Final = frozenset({"ImportError", "ModuleNotFoundError", "SyntaxError", "NameError", "UnboundLocalError"})
"""Exceptions of code that is no program any more: they fail every test and so show nothing of the row's."""


class WorkerError(Exception):
    """The process that runs the tests has ended."""


class End(BaseModel):
    """Result of one phase of one test."""

    model_config = ConfigDict(frozen=True)

    test: str
    """Node id."""
    when: str
    """setup, call or teardown."""
    outcome: str
    """passed, failed or skipped."""
    seconds: float
    raised: str
    """Name of the exception's class; empty without one."""


class Run(BaseModel):
    """Results of one run of pytest."""

    model_config = ConfigDict(frozen=True)

    exit: int | None
    """pytest's exit code; None when the run did not end by itself."""
    late: bool
    """The run was ended because it took too long."""
    carried: Mapping[str, tuple[str, ...]]
    """Collected tests with the rows they carry."""
    ends: tuple[End, ...]
    uncollected: tuple[str, ...]
    """Files that could not be imported."""
    modules: tuple[str, ...]
    """Installed modules that the run imported."""
    text: str
    """The last lines of pytest's output."""

    @property
    def killer(self) -> str | None:
        """The first test that failed by itself, not by its setup or by code that cannot be run."""
        failed = (end for end in self.ends if end.outcome == "failed" and end.when == "call")
        return next((end.test for end in failed if end.raised not in ACCIDENTS), None)


class Worker:
    """Runs tests in a scratch copy of its own, from the first line of its block to the last."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder
        self._imported: set[str] = set()
        self.scratch = Scratch(folder / "checkout")

    def __enter__(self) -> Self:
        self._folder.mkdir(mode=0o755)
        copy_checkout(self._root, self.scratch.folder)
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(FORK_SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._folder,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        if kind is None:
            self._process.wait()
        else:
            self._process.terminate()
            self._process.wait()

    def _preload(self, modules: Iterable[str]) -> None:
        """Import installed modules in the process that the tests' processes are forked from, in their order."""
        new = [name for name in modules if name not in self._imported]
        if new:
            self._ask({"preload": new})
            self._imported.update(new)

    def run(
        self,
        files: Sequence[str],
        *,
        rows: Sequence[str] | None = None,
        only: str | None = None,
        first: Sequence[str] = (),
        arguments: Sequence[str] = (),
        seconds: float,
    ) -> Run:
        """Run tests of these files: those that carry one of the rows, or the only one that is named, or all.

        Tests with a case named after one of ``first`` are asked first; ``arguments`` are pytest's. After ``seconds``
        the run is ended. Raises WorkerError when nothing answers.
        """
        answer = self._ask(
            {
                "folder": str(self.scratch.folder),
                "hide": str(self._root),
                "answer": str(self._folder / "answer.json"),
                "arguments": ["-q", "--disable-warnings", *arguments, *files],
                "rows": rows,
                "only": only,
                "first": list(first),
                "seconds": seconds,
            }
        )
        run = Run.model_validate_json(answer)
        self._preload(run.modules)
        return run

    def _ask(self, request: Mapping[str, object]) -> str:
        if self._process.stdin is None or self._process.stdout is None:
            raise WorkerError("the process that runs the tests has no pipes")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError(f"the process that runs the tests ended with {self._process.wait()}")
        return line
