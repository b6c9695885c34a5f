"""The word to Slack after a release, whatever its end (requirement L02): status, environment, commit, author."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from ops.release.process import Outcome

ATTEMPTS: Final = 3
TIMEOUT_SECONDS: Final = 10.0
SIGNS: Final = {
    Outcome.RELEASED: ":white_check_mark:",
    Outcome.REFUSED: ":no_entry:",
    Outcome.ROLLED_BACK: ":rewind:",
    Outcome.STUCK: ":rotating_light:",
}


@dataclass(frozen=True)
class Notice:
    """Message to Slack about a release. ``why`` is empty for a release that went well."""

    outcome: Outcome
    environment: str
    commit: str
    author: str
    why: str = ""

    def payload(self) -> dict[str, str]:
        """The message, with each fact as a field of its own for those who filter."""
        told = f"{SIGNS[self.outcome]} {self.environment}: {self.outcome.value}, {self.commit[:12]} by {self.author}"
        return {
            "text": f"{told}: {self.why}" if self.why else told,
            "status": self.outcome.value,
            "environment": self.environment,
            "commit": self.commit,
            "author": self.author,
        }


def tell(notice: Notice, webhook: str, pause: Callable[[float], None] = time.sleep) -> bool:
    """True if Slack took the message. A release does not fail because Slack is unreachable, but its output says so."""
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(float(attempt))
        try:
            if httpx.post(webhook, json=notice.payload(), timeout=TIMEOUT_SECONDS).is_success:
                return True
        except httpx.HTTPError:
            continue
    return False
