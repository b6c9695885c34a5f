"""One release from its plan to its end (requirements L02, L06). What it does is handed in, so the order of things is
plain to read and can be tested for every way in which a step may fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

WATCH_SECONDS: Final = 1800.0
"""Document C: a release is watched for half an hour."""

INTERVAL_SECONDS: Final = 30.0
FAILURES_IN_A_ROW: Final = 3
SMOKE_PAUSE_SECONDS: Final = 10.0
"""Between the attempts of a smoke test: a load balancer may still send to a pod that goes."""
MOST_FAILED_SHARE: Final = 0.2
"""Share of failed probes of a watch; a service that fails every second request never fails three looks in a row for
sure.
"""


class Outcome(StrEnum):
    """Outcome of a release; the words go to Slack."""

    RELEASED = "released"
    REFUSED = "refused, nothing was changed"
    ROLLED_BACK = "rolled back"
    STUCK = "stuck between two releases"


class StepError(Exception):
    """A step failed; the message says what was wrong."""


class RefusedError(StepError):
    """A step ended before it changed anything: a stale plan, a lock, credentials that have expired, a policy."""


@dataclass(frozen=True)
class Steps:
    """``apply`` and ``go_back`` deploy; ``smoke`` tries the service as a user does; ``look`` asks how it is, its number
    given; ``wait`` lets time pass between two looks.

    Each raises StepError when it fails.
    """

    apply: Callable[[], None]
    smoke: Callable[[], None]
    look: Callable[[int], None]
    go_back: Callable[[], None]
    wait: Callable[[float], None]
    say: Callable[[str], None]


def release(steps: Steps, watch_seconds: float = WATCH_SECONDS) -> tuple[Outcome, str]:
    """Run the release, and roll back when a step fails; the outcome, and the reason when it is not a release.

    An update that was refused before it changed anything leaves what runs alone: going back would deploy for no reason,
    and would undo what was released since the plan was made. A step that fails in an unexpected way has failed
    too: a broken release must not stay because of it. Raises KeyboardInterrupt when it is stopped from outside.
    """
    try:
        steps.say("applying the plan: migrations first, then traffic")
        steps.apply()
        steps.say("smoke tests")
        _smoke(steps)
        steps.say(f"watching for {watch_seconds:g} s")
        _watch(steps, watch_seconds)
    except RefusedError as error:
        return Outcome.REFUSED, str(error)
    except Exception as error:  # noqa: BLE001 - every failure is handled by going back
        return back(steps, _reason(error))
    return Outcome.RELEASED, ""


def _smoke(steps: Steps) -> None:
    """The smoke test, which a release fails when it fails as often in a row as a look of the watch may."""
    for attempt in range(1, FAILURES_IN_A_ROW):
        try:
            return steps.smoke()
        except Exception as error:  # noqa: BLE001 - the last attempt's is raised
            steps.say(f"{_reason(error)} (attempt {attempt} of {FAILURES_IN_A_ROW})")
            steps.wait(SMOKE_PAUSE_SECONDS)
    return steps.smoke()


def _watch(steps: Steps, seconds: float) -> None:
    """One bad answer is the weather; three in a row are the release, and so is a fifth of all looks."""
    looks = math.ceil(seconds / INTERVAL_SECONDS)
    most = max(FAILURES_IN_A_ROW, math.ceil(MOST_FAILED_SHARE * looks))
    in_a_row = failed = 0
    for number in range(looks):
        steps.wait(INTERVAL_SECONDS)
        try:
            steps.look(number)
            in_a_row = 0
        except Exception as error:
            in_a_row, failed = in_a_row + 1, failed + 1
            steps.say(f"{_reason(error)} ({in_a_row} in a row, {failed} of {looks} looks)")
            if in_a_row == FAILURES_IN_A_ROW or failed >= most:
                raise


def back(steps: Steps, why: str) -> tuple[Outcome, str]:
    """Goes back to the release before, and tries what then runs."""
    steps.say(f"{why}: going back")
    try:
        steps.go_back()
        _smoke(steps)
    except Exception as error:  # noqa: BLE001 - every failure is told
        return Outcome.STUCK, f"{why}; and going back failed: {_reason(error)}"
    return Outcome.ROLLED_BACK, why


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, StepError) else f"{type(error).__name__}: {error}"
