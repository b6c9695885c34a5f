"""Alert rules and heartbeats of jobs, before anything draws them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NAME_LABEL: Final = "app_kubernetes_io_name"
"""Prometheus' form of the label's name: its labels have neither dots nor slashes."""


class Severity(StrEnum):
    """Urgency of an alert, most urgent first: at once, within the hour, today, when there is time."""

    CRITICAL = "critical"
    HIGH = "high"
    WARNING = "warning"
    LOW = "low"


@dataclass(frozen=True)
class AlertRule:
    """Prometheus alert rule.

    name: alert name, CamelCase.
    about: workload or store that the alert is about.
    expression: PromQL that returns a sample while the condition is true.
    for_seconds: time that the condition must hold before the alert fires.
    severity: urgency, as a label of the alert.
    summary: one line.
    description: the problem, and the first place to look.
    runbook: page with the steps to take, with its heading.
    """

    name: str
    about: str
    expression: str
    for_seconds: int
    severity: Severity
    summary: str
    description: str
    runbook: str


@dataclass(frozen=True)
class Expectation:
    """Heartbeat of a job.

    name: job.
    metric: CloudWatch metric that counts the job's successes.
    region: region of the job, as the metric's dimension Region.
    hours: longest time between two successes.
    """

    name: str
    metric: str
    region: str
    hours: int
