"""Scale triggers: thresholds for too few or too many instances of a service (requirement K19), stated once. Pure.

Replicas belong to the autoscalers, which act on four of them. The others are alerts: an autoscaler at its maximum, or a
metric without an autoscaler.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Subject(StrEnum):
    """Metric of a trigger, with its unit."""

    CPU = "per cent of the CPU that an instance requests"
    MEMORY = "per cent of the memory that an instance requests"
    QUEUE = "jobs that wait"
    LATENCY = "seconds, of which 95 of 100 answers take less"
    ERRORS = "per cent of answers that say the service broke"


class Direction(StrEnum):
    """On which side of the threshold the trigger is; the sign that PromQL compares with."""

    ABOVE = ">"
    BELOW = "<"


class Means(StrEnum):
    """Actor of a trigger: an autoscaler, or an alert."""

    AUTOSCALER = "autoscaler target"
    ALERT = "alert"


@dataclass(frozen=True)
class Trigger:
    """Scale trigger. An autoscaler acts sooner than the documents ask: they say how late it may be.

    subject: metric, with its unit.
    direction: above or below the threshold.
    threshold: bound, in the subject's unit.
    seconds: time that the condition must hold.
    means: actor: autoscaler or alert.
    source: letter of the document that asks for it.
    """

    subject: Subject
    direction: Direction
    threshold: float
    seconds: int
    means: Means
    source: str


_MINUTES: Final = 60

CPU_TARGET: Final = Trigger(Subject.CPU, Direction.ABOVE, 70, 5 * _MINUTES, Means.AUTOSCALER, "E")
MEMORY_TARGET: Final = Trigger(Subject.MEMORY, Direction.ABOVE, 80, 5 * _MINUTES, Means.AUTOSCALER, "E")
QUEUE_TARGET: Final = Trigger(Subject.QUEUE, Direction.ABOVE, 100, 5 * _MINUTES, Means.AUTOSCALER, "E")
QUEUE_IDLE: Final = Trigger(Subject.QUEUE, Direction.BELOW, 10, 5 * _MINUTES, Means.AUTOSCALER, "E")

CPU_HELD: Final = Trigger(Subject.CPU, Direction.ABOVE, 70, 10 * _MINUTES, Means.ALERT, "C")
MEMORY_HELD: Final = Trigger(Subject.MEMORY, Direction.ABOVE, 80, 5 * _MINUTES, Means.ALERT, "E")
"""Above the autoscaler's target although it has no instance left to add."""
QUEUE_HELD: Final = Trigger(Subject.QUEUE, Direction.ABOVE, 100, 5 * _MINUTES, Means.ALERT, "C")
LATENCY_HIGH: Final = Trigger(Subject.LATENCY, Direction.ABOVE, 2, 5 * _MINUTES, Means.ALERT, "E")
LATENCY_RAISED: Final = Trigger(Subject.LATENCY, Direction.ABOVE, 1, 10 * _MINUTES, Means.ALERT, "C")
ERRORS_HIGH: Final = Trigger(Subject.ERRORS, Direction.ABOVE, 5, 5 * _MINUTES, Means.ALERT, "E")

CPU_LOW: Final = Trigger(Subject.CPU, Direction.BELOW, 30, 15 * _MINUTES, Means.ALERT, "E")
MEMORY_LOW: Final = Trigger(Subject.MEMORY, Direction.BELOW, 40, 15 * _MINUTES, Means.ALERT, "E")
QUEUE_LOW: Final = Trigger(Subject.QUEUE, Direction.BELOW, 10, 15 * _MINUTES, Means.ALERT, "E")
LATENCY_LOW: Final = Trigger(Subject.LATENCY, Direction.BELOW, 0.5, 15 * _MINUTES, Means.ALERT, "E")
ERRORS_LOW: Final = Trigger(Subject.ERRORS, Direction.BELOW, 0.1, 15 * _MINUTES, Means.ALERT, "E")
"""One alert together: alone, quick answers and few errors are what is wanted."""

TRIGGERS: Final = (
    *(CPU_TARGET, MEMORY_TARGET, QUEUE_TARGET, QUEUE_IDLE),
    *(CPU_HELD, MEMORY_HELD, QUEUE_HELD, LATENCY_HIGH, LATENCY_RAISED, ERRORS_HIGH),
    *(CPU_LOW, MEMORY_LOW, QUEUE_LOW, LATENCY_LOW, ERRORS_LOW),
)
