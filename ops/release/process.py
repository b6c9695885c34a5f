"""One release from its plan to its end (requirements L02, L06). What it does is handed in, so the order of things is
plain to read and can be tested for every way in which a step may fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

WATCH_SECONDS: Final = 1800.0
"""Document C: a release is watched for half an hour."""

INTERVAL_SECONDS: Final = 30.0
FAILURES_IN_A_ROW: Final = 3


class Outcome(StrEnum):
    """How a release ended; the words go to Slack."""

    RELEASED = "released"
    ROLLED_BACK = "rolled back"
    STUCK = "stuck between two releases"


class StepError(Exception):
    """A step failed; the message says what was wrong."""


@dataclass(frozen=True)
class Steps:
    """``apply`` and ``go_back`` deploy; ``smoke`` asks the service; ``wait`` lets time pass between two looks.

    Each raises StepError when it fails.
    """

    apply: Callable[[], None]
    smoke: Callable[[], None]
    go_back: Callable[[], None]
    wait: Callable[[float], None]
    say: Callable[[str], None]


def release(steps: Steps, watch_seconds: float = WATCH_SECONDS) -> tuple[Outcome, str]:
    """Releases, and goes back by itself when a step fails; the outcome, and why it is not a release.

    A step that fails in a way that nobody foresaw has failed too: a broken release must not stay because of it. Raises
    KeyboardInterrupt when it is stopped from outside.
    """
    try:
        steps.say("applying the plan: migrations first, then traffic")
        steps.apply()
        steps.say("smoke tests")
        steps.smoke()
        steps.say(f"watching for {watch_seconds:g} s")
        _watch(steps, watch_seconds)
    except Exception as error:  # noqa: BLE001 - every failure is handled by going back
        return _back(steps, _reason(error))
    return Outcome.RELEASED, ""


def _watch(steps: Steps, seconds: float) -> None:
    """One bad answer is the weather, three in a row are the release."""
    failures, passed = 0, 0.0
    while passed < seconds:
        steps.wait(INTERVAL_SECONDS)
        passed += INTERVAL_SECONDS
        try:
            steps.smoke()
            failures = 0
        except Exception as error:
            failures += 1
            steps.say(f"{_reason(error)} ({failures} of {FAILURES_IN_A_ROW})")
            if failures == FAILURES_IN_A_ROW:
                raise


def _back(steps: Steps, why: str) -> tuple[Outcome, str]:
    steps.say(f"{why}: going back")
    try:
        steps.go_back()
        steps.smoke()
    except Exception as error:  # noqa: BLE001 - every failure is told
        return Outcome.STUCK, f"{why}; and going back failed: {_reason(error)}"
    return Outcome.ROLLED_BACK, why


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, StepError) else f"{type(error).__name__}: {error}"
