"""Every way a text can fail to come: whose fault it is, whether the attempt counts, how long the job waits (C03).

What is not the job's fault uses up no attempt: the job waits and is tried again until it expires. Clients read the
sentence; addresses, statuses and drivers' words stay in the log.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

LONGEST_BACKOFF_SECONDS = 300.0
# After midnight the jobs that waited for a new budget begin over so many seconds, not all at once.
MIDNIGHT_SPREAD_SECONDS = 300.0
# 2 to this power is beyond the longest pause whatever the base.
_LARGEST_EXPONENT = 20


class Fault(StrEnum):
    """Who has to change something before the job can succeed."""

    JOB = "job"
    PROVIDER = "provider"
    PLATFORM = "platform"


class Pause(StrEnum):
    """How long a job waits before it is tried again."""

    NONE = "none"
    BACKOFF = "backoff"
    MIDNIGHT = "midnight"


@dataclass(frozen=True)
class FailureClass:
    """What follows from one kind of failure.

    `final`: the same request cannot succeed. `charged`: the provider may charge for a call that ended so, and how much
    nobody knows, so the ledger keeps the whole reserve.
    """

    fault: Fault
    sentence: str
    pause: Pause = Pause.BACKOFF
    final: bool = False
    charged: bool = False

    @property
    def counted(self) -> bool:
        """Whether the attempt is one of the job's JOB_MAX_ATTEMPTS."""
        return self.fault is Fault.JOB


_AGAIN = "The job is tried again by itself until it expires."
_UNREACHABLE = FailureClass(Fault.PLATFORM, f"The writing service is not available at the moment. {_AGAIN}")
_BUSY = FailureClass(Fault.PLATFORM, f"More texts are asked for than may be written at once. {_AGAIN}")
_PROVIDER_DOWN = FailureClass(Fault.PROVIDER, f"The text provider is not available at the moment. {_AGAIN}")
_PROVIDER_UNKNOWN = FailureClass(Fault.PROVIDER, f"The text provider gave no answer. {_AGAIN}", charged=True)
_UNFIT = FailureClass(Fault.JOB, "The provider's text did not have the form that was asked for.")

FAILURES: Mapping[str, FailureClass] = MappingProxyType(
    {
        "im_unreachable": _UNREACHABLE,
        "im_timeout": _UNREACHABLE,
        "im_unavailable": _UNREACHABLE,
        "im_refused": FailureClass(Fault.JOB, "The writing service did not accept this request."),
        "ledger_unavailable": _UNREACHABLE,
        "deadline": _BUSY,
        "provider_rate_limit": _BUSY,
        "provider_queue_full": _BUSY,
        "budget_reserved": FailureClass(
            Fault.PLATFORM, f"What is left of today's budget is set aside for texts being written. {_AGAIN}"
        ),
        "daily_budget": FailureClass(
            Fault.PLATFORM, "Today's budget for texts is spent. The job goes on after midnight UTC.", Pause.MIDNIGHT
        ),
        "circuit_open": _PROVIDER_DOWN,
        "provider_unreachable": _PROVIDER_DOWN,
        "provider_unavailable": _PROVIDER_DOWN,
        "provider_busy": FailureClass(Fault.PROVIDER, f"The text provider is busy. {_AGAIN}"),
        "provider_timeout": _PROVIDER_UNKNOWN,
        "provider_malformed": _PROVIDER_UNKNOWN,
        "provider_account": FailureClass(
            Fault.PROVIDER, f"The text provider does not serve this service at the moment. {_AGAIN}"
        ),
        "batch_lost": FailureClass(
            Fault.PROVIDER, "The provider's batch did not bring the text; it is asked for alone.", charged=True
        ),
        "invalid_content": _UNFIT,
        "truncated": FailureClass(
            Fault.JOB, "The text would be longer than a job's budget allows. Ask for less.", Pause.NONE, final=True
        ),
        "content_refused": FailureClass(
            Fault.JOB, "The text provider refuses to write about this. Change the topic.", Pause.NONE, final=True
        ),
        "request_refused": FailureClass(
            Fault.JOB, "The text provider did not accept this request.", Pause.NONE, final=True
        ),
        "crashed": FailureClass(Fault.JOB, "Every worker that took the job ended before it was done."),
        "stopped": FailureClass(Fault.PLATFORM, "The worker was stopped. The job goes on at once.", Pause.NONE),
        "expired": FailureClass(Fault.PLATFORM, "The job could not be done before it expired.", Pause.NONE, final=True),
    }
)


def failure_class(kind: str) -> FailureClass:
    """The class of a kind; one that only a newer release knows is not held against the job."""
    return FAILURES.get(kind, _UNREACHABLE)


def pause_seconds(kind: str, times: int, base: float, now: datetime) -> float:
    """Seconds until the next try after `times` failures before: backoff from `base` to 5 minutes, or until tomorrow."""
    pause = failure_class(kind).pause
    if pause is Pause.NONE:
        return 0.0
    if pause is Pause.MIDNIGHT:
        return until_midnight(now) + random.uniform(0, MIDNIGHT_SPREAD_SECONDS)
    longest = min(LONGEST_BACKOFF_SECONDS, base * 2 ** min(times, _LARGEST_EXPONENT))
    return longest * random.uniform(0.5, 1.0)


def until_midnight(now: datetime) -> float:
    """Seconds until the next day begins in UTC, by which budgets are counted."""
    tomorrow = (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (tomorrow - now).total_seconds()
