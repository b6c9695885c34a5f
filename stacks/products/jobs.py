"""Jobs that every product with a database has: backups, their restore check, and maintenance (K17, W01, W03)."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from stacks.specs.bucket import BucketAccess, BucketSpec
from stacks.specs.job import BackupUse, JobSpec, Urgency

HOURLY: Final = "0 * * * *"
DAILY: Final = "0 2 * * *"
EARLY: Final = "30 5 * * *"
WEEKLY: Final = "0 3 * * 0"
MONTHLY: Final = "0 4 1 * *"
LONG_SECONDS: Final = 6 * 3600
"""Time limit of jobs that read or rewrite whole tables; a missing heartbeat reports a backup that takes too long."""

BACKUP: Final = JobSpec(
    "backup",
    ("backup",),
    LONG_SECONDS,
    Urgency.CRITICAL,
    DAILY,
    backups=BackupUse.WRITES,
    heartbeat="BackupSucceeded",
)

RESTORE_CHECK: Final = JobSpec(
    "restore-check",
    ("restore-check",),
    3600,
    Urgency.CRITICAL,
    EARLY,
    backups=BackupUse.READS,
    administers=True,
    heartbeat="RestoreCheckSucceeded",
)
"""Every day the newest backup is restored and counted; one that is too old is no better than none."""


def migration() -> JobSpec:
    """Change of the schema, before anything that answers requests is started."""
    return JobSpec("migrate", ("migrate",), 900, Urgency.CRITICAL, administers=True)


def _maintenance(when: str, schedule: str, urgency: Urgency) -> JobSpec:
    return JobSpec(f"maintenance-{when}", ("maintenance", when), LONG_SECONDS, urgency, schedule)


MAINTENANCE: Final = (
    _maintenance("daily", DAILY, Urgency.HIGH),
    _maintenance("weekly", WEEKLY, Urgency.HIGH),
    _maintenance("monthly", MONTHLY, Urgency.LOW),
)
"""Care of the tables, at the times of document A."""

CARE: Final = (BACKUP, RESTORE_CHECK, *MAINTENANCE)
"""Jobs by the clock of a product without other wishes."""


def archiving_care(files: BucketSpec) -> tuple[JobSpec, ...]:
    """CARE of a product whose rows have files: maintenance archives rows before it drops them, and removes the files
    that no row has any more.
    """
    buckets = MappingProxyType({files.name: BucketAccess.CLEANS})
    archiving = (replace(one, backups=BackupUse.ARCHIVES, buckets=buckets) for one in MAINTENANCE)
    return (BACKUP, RESTORE_CHECK, *archiving)
