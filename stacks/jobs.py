"""What runs to an end in a region: migrations before traffic, backups and maintenance by the clock (K17). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stacks.profile import Profile

DAILY: Final = "0 2 * * *"
WEEKLY: Final = "0 3 * * 0"
MONTHLY: Final = "0 4 1 * *"


class Urgency(StrEnum):
    """How loud the alert is when a run fails; the label of its pods says so to the alert rules."""

    CRITICAL = "critical"
    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True)
class JobSpec:
    """A job of the application's image. ``schedule`` is cron in UTC; without one it runs once a release.

    ``deadline_seconds`` bounds one run; ``reaches_aws`` opens the way to AWS, with an identity of its own.
    """

    name: str
    arguments: tuple[str, ...]
    deadline_seconds: int
    urgency: Urgency
    schedule: str | None = None
    reaches_aws: bool = False


MIGRATION: Final = JobSpec("migrate", ("migrate",), deadline_seconds=900, urgency=Urgency.CRITICAL)


def scheduled_jobs(profile: Profile) -> tuple[JobSpec, ...]:
    """What runs by the clock; runs of one job never overlap."""

    def maintenance(when: str, schedule: str, urgency: Urgency) -> JobSpec:
        return JobSpec(f"maintenance-{when}", ("maintenance", when), 3600, urgency, schedule)

    return (
        JobSpec("backup", ("backup",), 3600, Urgency.CRITICAL, profile.backup_schedule, reaches_aws=True),
        maintenance("daily", DAILY, Urgency.HIGH),
        maintenance("weekly", WEEKLY, Urgency.HIGH),
        maintenance("monthly", MONTHLY, Urgency.LOW),
    )


def job_names(profile: Profile) -> tuple[str, ...]:
    return (MIGRATION.name, *(job.name for job in scheduled_jobs(profile)))
