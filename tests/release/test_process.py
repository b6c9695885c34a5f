"""A release, for every way in which it may end."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from ops.release.process import (
    FAILURES_IN_A_ROW,
    INTERVAL_SECONDS,
    WATCH_SECONDS,
    Outcome,
    RefusedError,
    StepError,
    Steps,
    release,
)

SMOKE = (1, 2, 3)
"""The attempts of the first smoke test."""


@dataclass
class Stage:
    """A release whose steps fail when they are told to: ``bad`` are the numbers of the smoke tests that do."""

    bad: tuple[int, ...] = ()
    apply_fails: bool = False
    back_fails: bool = False
    done: list[str] = field(default_factory=list)
    looks: int = 0
    numbers: list[int] = field(default_factory=list)
    passed: float = 0.0

    def steps(self) -> Steps:
        return Steps(
            apply=self._step("apply", lambda: self.apply_fails),
            smoke=self._smoke,
            look=self._look,
            go_back=self._back,
            wait=self._wait,
            say=lambda _: None,
        )

    def _step(self, name: str, fails: Callable[[], bool]) -> Callable[[], None]:
        def run() -> None:
            self.done.append(name)
            if fails():
                raise StepError(f"{name} failed")

        return run

    def _smoke(self) -> None:
        self.looks += 1
        if self.looks in self.bad:
            raise StepError(f"look {self.looks} failed")

    def _look(self, number: int) -> None:
        self.numbers.append(number)
        self._smoke()

    def _back(self) -> None:
        self._step("back", lambda: self.back_fails)()

    def _wait(self, seconds: float) -> None:
        self.passed += seconds


@pytest.mark.requirement("L02")
@pytest.mark.requirement("L06")
def test_a_good_release_is_tested_and_watched_for_half_an_hour() -> None:
    stage = Stage()
    assert release(stage.steps()) == (Outcome.RELEASED, "")
    assert stage.done == ["apply"]
    assert stage.passed == WATCH_SECONDS == 1800
    assert stage.looks == 1 + WATCH_SECONDS / INTERVAL_SECONDS == 61
    assert stage.numbers == list(range(60))


@pytest.mark.requirement("L02")
def test_a_failing_smoke_test_rolls_back_by_itself() -> None:
    stage = Stage(bad=SMOKE)
    assert release(stage.steps()) == (Outcome.ROLLED_BACK, "look 3 failed")
    assert stage.done == ["apply", "back"]
    assert stage.passed == 20


@pytest.mark.requirement("L02")
@pytest.mark.parametrize("bad", [(1,), (1, 2)])
def test_a_smoke_test_that_passes_at_the_second_or_third_attempt_is_passed(bad: tuple[int, ...]) -> None:
    stage = Stage(bad=bad)
    assert release(stage.steps(), 0) == (Outcome.RELEASED, "")
    assert stage.done == ["apply"]
    assert stage.passed == 10 * len(bad)


@pytest.mark.requirement("L02")
def test_an_update_that_fails_rolls_back_without_a_smoke_test_of_it() -> None:
    stage = Stage(apply_fails=True)
    assert release(stage.steps()) == (Outcome.ROLLED_BACK, "apply failed")
    assert stage.looks == 1


@pytest.mark.requirement("L06")
def test_one_bad_answer_during_the_watch_is_forgiven_and_three_in_a_row_are_not() -> None:
    forgiven = Stage(bad=(2, 3, 5, 6, 8))
    assert release(forgiven.steps())[0] is Outcome.RELEASED
    fallen = Stage(bad=(4, 5, 6))
    assert release(fallen.steps()) == (Outcome.ROLLED_BACK, "look 6 failed")
    assert FAILURES_IN_A_ROW == 3


@pytest.mark.requirement("L06")
def test_a_fifth_of_all_looks_is_the_releases_fault_although_never_three_in_a_row() -> None:
    every_fourth = tuple(range(2, 62, 4))
    assert len(every_fourth) == 15
    outcome, why = release(Stage(bad=every_fourth).steps())
    assert (outcome, why) == (Outcome.ROLLED_BACK, f"look {every_fourth[11]} failed")
    assert release(Stage(bad=every_fourth[:11]).steps())[0] is Outcome.RELEASED


@pytest.mark.requirement("L02")
def test_an_update_that_was_refused_before_it_changed_anything_leaves_what_runs_alone() -> None:
    def refused() -> None:
        raise RefusedError("the plan does not hold any more")

    stage = Stage()
    outcome, why = release(replace(stage.steps(), apply=refused))
    assert (outcome, why) == (Outcome.REFUSED, "the plan does not hold any more")
    assert stage.done == []
    assert stage.looks == 0


@pytest.mark.requirement("L02")
def test_a_way_back_that_fails_too_is_said_to_be_stuck_with_both_reasons() -> None:
    outcome, why = release(Stage(bad=SMOKE, back_fails=True).steps())
    assert outcome is Outcome.STUCK
    assert "look 3 failed" in why
    assert "back failed" in why


@pytest.mark.requirement("L02")
@pytest.mark.parametrize("error", [KeyError("job_id"), ValueError("no JSON"), OSError(28, "disk full")])
def test_a_failure_that_nobody_foresaw_rolls_back_too(error: Exception) -> None:
    looks: list[int] = []

    def smoke() -> None:
        looks.append(1)
        if len(looks) <= 3:
            raise error

    stage = Stage()
    outcome, why = release(replace(stage.steps(), smoke=smoke))
    assert outcome is Outcome.ROLLED_BACK
    assert why == f"{type(error).__name__}: {error}"
    assert stage.done == ["apply", "back"]


@pytest.mark.requirement("L02")
def test_a_failure_that_nobody_foresaw_on_the_way_back_is_stuck() -> None:
    def back() -> None:
        raise subprocess.CalledProcessError(1, "bootstrap")

    outcome, why = release(replace(Stage(bad=SMOKE).steps(), go_back=back))
    assert outcome is Outcome.STUCK
    assert "CalledProcessError" in why


@pytest.mark.requirement("L02")
def test_what_was_gone_back_to_is_tested_too() -> None:
    assert release(Stage(bad=(1, 2, 3, 4, 5, 6)).steps())[0] is Outcome.STUCK
    assert release(Stage(bad=(1, 2, 3, 4, 5)).steps())[0] is Outcome.ROLLED_BACK
