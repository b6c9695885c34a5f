"""Applies mutants to scratch copies, two at a time, and runs the tests that must notice them."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeVar

from ops.proof.mutants import Mutant, Tier
from ops.proof.verdicts import Answer, Verdict, judged
from ops.proof.workers import Run, Worker

WORKERS: Final = 2
"""Scratch copies in use at once: as many as the machine of CI has cores."""
COLLECTION_SECONDS: Final = 300.0
LATE_SECONDS: Final = 600.0
"""Seconds that the tests of a row may take with a mutant."""
DEAR: Final = (
    "tests/app/",
    "tests/localcloud/",
    "tests/aws/",
    "tests/delivery/",
    "tests/engine/",
    "tests/unit/test_mutated_files.py",
)
"""Tests that start servers or take minutes; the others are asked before them."""
ENGINE_TESTS: Final = "tests/engine/"

T = TypeVar("T")
A = TypeVar("A")


@dataclass(frozen=True)
class Suite:
    """The tests that must notice some mutants: those that carry a row, or all tests of some files."""

    name: str
    """Row, or group of generated mutants."""
    files: tuple[str, ...]
    """Test files, below the checkout."""
    row: str | None = None
    """Marker of the tests; None for all tests of the files."""

    @property
    def ordered(self) -> list[str]:
        """The files, those whose tests start no server first."""
        return sorted(self.files, key=lambda file: file.startswith(DEAR))


class Proof:
    """Workers in scratch copies of one checkout."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers
        self._free: SimpleQueue[Worker] = SimpleQueue()
        for worker in workers:
            self._free.put(worker)
        self._sound: dict[str, bool] = {}

    def carried(self) -> Mapping[str, tuple[str, ...]]:
        """Every test of the checkout that carries rows, with its rows."""
        runs = self._each(
            lambda worker, _: worker.run(["tests"], arguments=["--collect-only"], seconds=COLLECTION_SECONDS), [0]
        )
        return {test: rows for test, rows in runs[0].carried.items() if rows}

    def judge(
        self,
        mutants: Sequence[Mutant],
        suites: Mapping[str, Suite],
        killers: Mapping[str, str],
        tell: Callable[[Verdict], None],
    ) -> None:
        """Report the verdict on each mutant as it is known. ``killers`` has the test that noticed a mutant before."""

        def one(worker: Worker, mutant: Mutant) -> None:
            tell(self._judge(worker, mutant, suites.get(mutant.row), killers.get(mutant.digest)))

        self._each(one, mutants)

    def _judge(self, worker: Worker, mutant: Mutant, suite: Suite | None, killer: str | None) -> Verdict:
        if suite is None:
            return Verdict(mutant, Answer.NO_TESTS, 0.0)
        began = time.monotonic()
        with worker.scratch.mutated(mutant):
            run = worker.run([killer.partition("::")[0]], only=killer, seconds=LATE_SECONDS) if killer else None
            if run is None or not run.killer:
                run = _whole(worker, suite, mutant)
        verdict = judged(mutant, run, time.monotonic() - began)
        if run.killer and not self._is_sound(worker, run.killer):
            return replace(verdict, answer=Answer.BASELINE, text=f"fails without the mutant too: {run.killer}")
        return verdict

    def _is_sound(self, worker: Worker, test: str) -> bool:
        """True if a test passes without a mutant; each is asked once."""
        if test not in self._sound:
            run = worker.run([test.partition("::")[0]], only=test, seconds=LATE_SECONDS)
            self._sound[test] = run.exit == 0
        return self._sound[test]

    def _each(self, work: Callable[[Worker, A], T], these: Sequence[A]) -> list[T]:
        with ThreadPoolExecutor(len(self._workers)) as pool:
            tasks = [pool.submit(self._with, lambda worker, this=this: work(worker, this)) for this in these]
            try:
                return [task.result() for task in tasks]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _with(self, work: Callable[[Worker], T]) -> T:
        worker = self._free.get()
        try:
            return work(worker)
        finally:
            self._free.put(worker)


@contextmanager
def proof(root: Path, workers: int = WORKERS) -> Iterator[Proof]:
    """Workers in copies of the checkout below the system's folder for temporary files, until the end of the block."""
    with (
        tempfile.TemporaryDirectory(prefix="contentgen-proof-", ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        Path(folder).chmod(0o755)  # servers of tests run as another user
        yield Proof([stack.enter_context(Worker(root, Path(folder) / str(number))) for number in range(workers)])


def suites_of(carried: Mapping[str, Sequence[str]], rows: Iterable[str], tier: Tier) -> list[Suite]:
    """The tests of each row in one tier. A row without any has no suite."""
    found = []
    for row in rows:
        tests = [
            test
            for test, its in carried.items()
            if row in its and test.startswith(ENGINE_TESTS) == (tier is Tier.ENGINE)
        ]
        if tests:
            found.append(Suite(row, tuple(dict.fromkeys(test.partition("::")[0] for test in tests)), row))
    return found


def _whole(worker: Worker, suite: Suite, mutant: Mutant) -> Run:
    """All tests of a suite until the first that fails, beginning with those named after what the edited file names."""
    text = (worker.scratch.folder / mutant.file).read_text()
    names = re.findall(r'name="([a-z]+(?:-[a-z]+)*)"', text)
    rows = [suite.row] if suite.row else None
    return worker.run(suite.ordered, rows=rows, first=names, arguments=["-x"], seconds=LATE_SECONDS)
