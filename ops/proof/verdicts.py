"""The answer of a run of tests to one mutant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ops.proof.mutants import Mutant
from ops.proof.workers import NOTHING_COLLECTED, Run


class Answer(StrEnum):
    """Verdict of the tests on a mutant; all but killed fail the command."""

    KILLED = "killed"
    """A test failed by itself."""
    SURVIVED = "survived"
    """All tests passed, so none of them guards what the mutant breaks."""
    ACCIDENT = "accident"
    """Tests could not be imported or set up, or ran into code that is no program: not a change of behaviour."""
    LATE = "late"
    """The tests did not end in their time."""
    NO_TESTS = "no tests"
    """No test of the tier carries the row."""
    BASELINE = "baseline fails"
    """Tests of the row fail without any mutant, so nothing can be said."""


@dataclass(frozen=True)
class Verdict:
    """A mutant, how its tests took it, and by which test it was noticed."""

    mutant: Mutant
    answer: Answer
    seconds: float
    killer: str = ""
    """Node id of the first test that failed."""
    text: str = ""
    """The last lines of the tests' output where the mutant was not killed."""


def judged(mutant: Mutant, run: Run, seconds: float) -> Verdict:
    """The verdict that a run of the row's tests gives."""
    if run.killer:
        return Verdict(mutant, Answer.KILLED, seconds, run.killer)
    return Verdict(mutant, _answer(run), seconds, text=run.text)


def _answer(run: Run) -> Answer:
    if run.late:
        return Answer.LATE
    if run.exit == NOTHING_COLLECTED:
        return Answer.NO_TESTS
    return Answer.SURVIVED if run.exit == 0 else Answer.ACCIDENT
