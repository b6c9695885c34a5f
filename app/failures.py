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
    """Party that has to change something before the job can succeed."""

    JOB = "job"
    PROVIDER = "provider"
    PLATFORM = "platform"


class Pause(StrEnum):
    """Length of the pause before a job is tried again."""

    NONE = "none"
    BACKOFF = "backoff"
    MIDNIGHT = "midnight"


@dataclass(frozen=True)
class FailureClass:
    """Consequences of one kind of failure.

    `final`: the same request cannot succeed. `charged`: the provider may charge for a call that ended so, an unknown
    amount, so the ledger keeps the whole reserve.
    """

    fault: Fault
    sentence: str
    pause: Pause = Pause.BACKOFF
    final: bool = False
    charged: bool = False

    @property
    def counted(self) -> bool:
        """True if the attempt is one of the job's JOB_MAX_ATTEMPTS."""
        return self.fault is Fault.JOB


_AGAIN = "The job is tried again by itself until it expires."
_AWAY = FailureClass(Fault.PLATFORM, f"The writing service is not available at the moment. {_AGAIN}")
_BUSY = FailureClass(Fault.PLATFORM, f"More texts are asked for than may be written at once. {_AGAIN}")
_DOWN = FailureClass(Fault.PROVIDER, f"The text provider is not available at the moment. {_AGAIN}")
_UNKNOWN = FailureClass(Fault.PROVIDER, f"The text provider gave no answer. {_AGAIN}", charged=True)


def _final(sentence: str) -> FailureClass:
    return FailureClass(Fault.JOB, sentence, Pause.NONE, final=True)


FAILURES: Mapping[str, FailureClass] = MappingProxyType(
    {
        **dict.fromkeys(("im_unreachable", "im_timeout", "im_unavailable", "ledger_unavailable"), _AWAY),
        **dict.fromkeys(("deadline", "provider_rate_limit", "provider_queue_full", "budget_reserved"), _BUSY),
        **dict.fromkeys(("circuit_open", "provider_unreachable", "provider_unavailable"), _DOWN),
        **dict.fromkeys(("provider_busy", "provider_account"), _DOWN),
        **dict.fromkeys(("provider_timeout", "provider_malformed", "batch_lost"), _UNKNOWN),
        "daily_budget": FailureClass(
            Fault.PLATFORM, "Today's budget for texts is spent. The job goes on after midnight UTC.", Pause.MIDNIGHT
        ),
        "im_refused": FailureClass(Fault.JOB, "The writing service did not accept this request."),
        "invalid_content": FailureClass(Fault.JOB, "The provider's text did not have the form that was asked for."),
        "crashed": FailureClass(Fault.JOB, "Every worker that took the job ended before it was done."),
        "truncated": _final("The text would be longer than a job's budget allows. Ask for less."),
        "content_refused": _final("The text provider refuses to write about this. Change the topic."),
        "request_refused": _final("The text provider did not accept this request."),
        "nothing_left": _final("No ingredient fits the diet. Name others, or choose another diet."),
        "video_letters": _final("The video cannot show this text: too many of its letters are not in the font."),
        "video_too_long": _final("The recipe is too long for a video."),
        "video_failed": FailureClass(Fault.JOB, "The video could not be rendered."),
        "video_slow": FailureClass(Fault.JOB, "The video took too long to render."),
        "video_missing": FailureClass(Fault.JOB, "The renderer brought no video."),
        "video_too_large": _final("The video is larger than videos may be. Ask for a shorter one."),
        "renderer_unreachable": FailureClass(Fault.PLATFORM, f"The renderer is not available at the moment. {_AGAIN}"),
        "renderer_interrupted": FailureClass(Fault.PLATFORM, f"The rendering was interrupted. {_AGAIN}"),
        "renderer_lost": FailureClass(Fault.JOB, "The renderer stopped while it worked on the video."),
        "renderer_refused": _final("The renderer does not accept its workflow; only its operator can change that."),
        "store_unavailable": FailureClass(Fault.PLATFORM, f"The store of videos is not available. {_AGAIN}"),
        "expired": FailureClass(Fault.PLATFORM, "The job could not be done before it expired.", Pause.NONE, final=True),
    }
)


def failure_class(kind: str) -> FailureClass:
    """The class of a kind; one that only a newer release knows is not held against the job."""
    return FAILURES.get(kind, _AWAY)


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
