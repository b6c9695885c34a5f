"""Jobs of a region: migrations before traffic, scheduled backups and maintenance (K17). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from components.backup_alarms import Expectation
from stacks.profile import Profile

DAILY: Final = "0 2 * * *"
EARLY: Final = "30 5 * * *"
RESTORE_CHECK_HOURS: Final = 26
"""A day, and time for a slow run."""
WEEKLY: Final = "0 3 * * 0"
MONTHLY: Final = "0 4 1 * *"
LONG_SECONDS: Final = 6 * 3600
"""Time limit of jobs that read or rewrite whole tables; a missing heartbeat reports a backup that takes too long."""


class Urgency(StrEnum):
    """Severity of the alert on a failed run; a label of its pods carries it to the alert rules."""

    CRITICAL = "critical"
    HIGH = "high"
    LOW = "low"


class BackupUse(StrEnum):
    """Access of a job to the backups: its AWS identity may do that and no more."""

    WRITES = "writes"
    READS = "reads"


@dataclass(frozen=True)
class JobSpec:
    """Job of the application's image.

    name: component name.
    arguments: arguments after the image's entry point.
    deadline_seconds: time limit of one run.
    urgency: severity of the alert on a failed run.
    schedule: cron expression in UTC; None runs the job once a release.
    backups: access to the backup bucket, with an AWS identity of its own; None for no access.
    administers: True gives it the database administrator's login, for work that the application's own login may not do.
    """

    name: str
    arguments: tuple[str, ...]
    deadline_seconds: int
    urgency: Urgency
    schedule: str | None = None
    backups: BackupUse | None = None
    administers: bool = False

    @property
    def reaches_aws(self) -> bool:
        return self.backups is not None


MIGRATION: Final = JobSpec("migrate", ("migrate",), deadline_seconds=900, urgency=Urgency.CRITICAL, administers=True)
SEED: Final = JobSpec("seed", ("seed",), deadline_seconds=600, urgency=Urgency.LOW)
BACKUP: Final = "backup"
RESTORE_CHECK: Final = "restore-check"


def release_jobs(profile: Profile) -> tuple[JobSpec, ...]:
    """Jobs that run once a release, after the migration."""
    return (SEED,) if profile.seeded else ()


def scheduled_jobs(profile: Profile) -> tuple[JobSpec, ...]:
    """Scheduled jobs; runs of one job never overlap."""

    def maintenance(when: str, schedule: str, urgency: Urgency) -> JobSpec:
        return JobSpec(f"maintenance-{when}", ("maintenance", when), LONG_SECONDS, urgency, schedule)

    return (
        JobSpec(BACKUP, ("backup",), LONG_SECONDS, Urgency.CRITICAL, profile.backup_schedule, BackupUse.WRITES),
        _restore_check(profile),
        maintenance("daily", DAILY, Urgency.HIGH),
        maintenance("weekly", WEEKLY, Urgency.HIGH),
        maintenance("monthly", MONTHLY, Urgency.LOW),
    )


def job_names(profile: Profile) -> tuple[str, ...]:
    return tuple(job.name for job in (MIGRATION, *release_jobs(profile), *scheduled_jobs(profile)))


def expectations(profile: Profile, region: str) -> tuple[Expectation, ...]:
    """Heartbeats expected from a region's jobs, by the metric names of their successes."""
    return (
        Expectation(BACKUP, "BackupSucceeded", region, profile.alarm_hours),
        Expectation(RESTORE_CHECK, "RestoreCheckSucceeded", region, RESTORE_CHECK_HOURS),
    )


def _restore_check(profile: Profile) -> JobSpec:
    """Every day the newest backup is restored and counted; one that is too old is no better than none."""
    arguments = ("restore-check", "--within-hours", str(profile.alarm_hours))
    return JobSpec(RESTORE_CHECK, arguments, 3600, Urgency.CRITICAL, EARLY, backups=BackupUse.READS, administers=True)
