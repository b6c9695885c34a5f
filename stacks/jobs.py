"""Jobs of a stack: a product's jobs with the schedules and ages of its environment (K17). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from stacks.specs.alert import Expectation
from stacks.specs.job import BackupUse, JobSpec
from stacks.specs.profile import Profile

RESTORE_CHECK_HOURS: Final = 26
"""A day, and time for a slow run."""


def scheduled(jobs: Iterable[JobSpec], profile: Profile) -> tuple[JobSpec, ...]:
    """The jobs of an environment; runs of one job never overlap."""
    return tuple(_of_environment(job, profile) for job in jobs if profile.seeded or not job.seeds)


def heartbeats(jobs: Iterable[JobSpec], profile: Profile, region: str) -> tuple[Expectation, ...]:
    """Heartbeats expected from a region's jobs, by the metric names of their successes."""
    hours = {BackupUse.WRITES: profile.alarm_hours, BackupUse.READS: RESTORE_CHECK_HOURS}
    return tuple(
        Expectation(job.name, job.heartbeat, region, hours[job.backups])
        for job in jobs
        if job.heartbeat is not None and job.backups is not None
    )


def _of_environment(job: JobSpec, profile: Profile) -> JobSpec:
    match job.backups:
        case BackupUse.WRITES:
            return replace(job, schedule=profile.backup_schedule)
        case BackupUse.READS:
            return replace(job, arguments=(*job.arguments, "--within-hours", str(profile.alarm_hours)))
        case _:
            return job
