"""Applies mutants to scratch copies, two at a time, and runs the tests that must notice them."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeVar

from ops.proof.mutants import Mutant, Tier
from ops.proof.verdicts import Answer, Verdict, judged
from ops.proof.workers import Run, Worker

WORKERS: Final = 2
"""Scratch copies in use at once: as many as the machine of CI has cores."""
COLLECTION_SECONDS: Final = 300.0
BASELINE_SECONDS: Final = 1800.0
LATE_SECONDS: Final = 60.0
"""Seconds that a mutant's tests may take beside three times what they take without it."""
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
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Tests with the seconds they take without a mutant."""
    failed: tuple[str, ...] = ()
    """Tests that fail without a mutant."""

    def order(self, first: Iterable[str] = ()) -> tuple[str, ...]:
        """These tests, then the others from the quickest to the slowest."""
        return tuple(dict.fromkeys([*first, *sorted(self.seconds, key=lambda test: self.seconds[test])]))


class Proof:
    """Workers in scratch copies of one checkout."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers
        self._free: SimpleQueue[Worker] = SimpleQueue()
        for worker in workers:
            self._free.put(worker)

    def carried(self) -> Mapping[str, tuple[str, ...]]:
        """Every test of the checkout that carries rows, with its rows; the workers import its libraries."""
        run = self._with(lambda worker: worker.run(["tests"], arguments=["--collect-only"], seconds=COLLECTION_SECONDS))
        self._preload(run)
        return {test: rows for test, rows in run.carried.items() if rows}

    def baseline(self, suites: Sequence[Suite]) -> list[Suite]:
        """The suites with the seconds of their tests and those that fail without a mutant; each file runs once."""
        files = sorted({file for suite in suites for file in suite.files})
        rows = {suite.row for suite in suites}
        marked = [file for file in files if all(suite.row for suite in suites if file in suite.files)]
        runs = self._each(
            lambda worker, file: worker.run(
                [file], rows=sorted(filter(None, rows)) if file in marked else None, seconds=BASELINE_SECONDS
            ),
            files,
        )
        for run in runs:
            self._preload(run)
        return [_measured(suite, dict(zip(files, runs, strict=True))) for suite in suites]

    def judge(
        self,
        mutants: Sequence[Mutant],
        suites: Mapping[str, Suite],
        killers: Mapping[str, str],
        tell: Callable[[Verdict], None],
    ) -> list[Verdict]:
        """A verdict for each mutant, told as it is known. ``killers`` has the test that noticed a mutant before."""

        def one(worker: Worker, mutant: Mutant) -> Verdict:
            verdict = _judge(worker, mutant, suites.get(mutant.row), killers.get(mutant.digest))
            tell(verdict)
            return verdict

        return self._each(one, mutants)

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

    def _preload(self, run: Run) -> None:
        for worker in self._workers:
            worker.preload(run.modules)


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


def _measured(suite: Suite, runs: Mapping[str, Run]) -> Suite:
    mine = [runs[file] for file in suite.files]
    tests = {test for run in mine for test, rows in run.carried.items() if suite.row is None or suite.row in rows}
    seconds = {test: spent for run in mine for test, spent in run.seconds.items() if test in tests}
    broken = [name for run in mine for name in run.failed if name in tests or "::" not in name]
    broken += [file for file in suite.files if runs[file].exit is None]
    return replace(suite, seconds=seconds, failed=tuple(broken))


def _judge(worker: Worker, mutant: Mutant, suite: Suite | None, killer: str | None) -> Verdict:
    if suite is None:
        return Verdict(mutant, Answer.NO_TESTS, 0.0)
    if suite.failed:
        return Verdict(mutant, Answer.BASELINE, 0.0, text=f"fails without the mutant: {', '.join(suite.failed)}")
    began = time.monotonic()
    seconds = LATE_SECONDS + 3 * sum(suite.seconds.values())
    with worker.scratch.mutated(mutant):
        if killer:
            run = worker.run([killer.partition("::")[0]], only=killer, arguments=["-x"], seconds=seconds)
            if run.killer:
                return judged(mutant, run, time.monotonic() - began)
        rows = [suite.row] if suite.row else None
        order = suite.order(_named_after((worker.scratch.folder / mutant.file).read_text(), suite))
        run = worker.run(_by_speed(suite), rows=rows, order=order, arguments=["-x"], seconds=seconds)
    return judged(mutant, run, time.monotonic() - began)


def _named_after(text: str, suite: Suite) -> list[str]:
    """Tests with a case that is named after what the edited file names: the likeliest to notice."""
    names = re.findall(r'name="([a-z]+(?:-[a-z]+)*)"', text)
    return [test for test in suite.order() if any(name in test.partition("[")[2] for name in names)]


def _by_speed(suite: Suite) -> list[str]:
    """Files, those with the quickest tests first, so that what is collected is in the order of the suite."""
    quickest = {
        file: min((spent for test, spent in suite.seconds.items() if test.startswith(f"{file}::")), default=0.0)
        for file in suite.files
    }
    return sorted(suite.files, key=lambda file: quickest[file])
