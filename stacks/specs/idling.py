"""Scaling of a workload to one instance without requests, and back by the first request (requirement K10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

IDLE_INSTANCES: Final = 1
"""Document A's number."""

NOTED_SECONDS: Final = 60
"""A service writes the time of its last request no more often, so a younger time says nothing (app.activity)."""


@dataclass(frozen=True)
class Idling:
    """Rule by which a workload is in use.

    asked_seconds: age up to which a request keeps the workload in use; the autoscaler's window before it takes an
        instance away comes after it.
    service: service whose requests count; None counts those of every service, for a workload that notes none itself.
    """

    asked_seconds: int
    service: str | None
