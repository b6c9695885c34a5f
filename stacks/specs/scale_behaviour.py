"""Pace of a horizontal autoscaler (requirements K06, K08)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ScaleBehaviour:
    """Pace at which an autoscaler follows the load.

    up_window_seconds: time for which more instances must have been wanted before they are added.
    up_period_seconds: time in which at most four instances, or as many again as there are, are added.
    down_window_seconds: time for which fewer instances must have been wanted before they are taken away.
    """

    up_window_seconds: int
    up_period_seconds: int
    down_window_seconds: int


PROMPT: Final = ScaleBehaviour(up_window_seconds=0, up_period_seconds=15, down_window_seconds=300)
"""Document A's (requirement K06)."""
