"""Jobs of a product as plain data (requirement K17)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from stacks.specs.bucket import BucketAccess
from stacks.specs.resources import Resources

JOB_RESOURCES: Final = Resources("100m", "1000m", "128Mi", "512Mi")
"""Of one pod of any job."""


class Urgency(StrEnum):
    """Severity of the alert on a failed run; a label of its pods carries it to the alert rules."""

    CRITICAL = "critical"
    HIGH = "high"
    LOW = "low"


class BackupUse(StrEnum):
    """Access of a job to the backups: its AWS identity may do that and no more. Who archives also writes backups."""

    WRITES = "writes"
    READS = "reads"
    ARCHIVES = "archives"


@dataclass(frozen=True)
class JobSpec:
    """Job of the application's image.

    name: component name.
    arguments: arguments after the image's entry point.
    deadline_seconds: time limit of one run.
    urgency: severity of the alert on a failed run.
    schedule: cron expression in UTC; None runs the job once a release. The dumps' own is the profile's.
    backups: access to the backup bucket, with an AWS identity of its own; None for no access.
    administers: True gives it the database administrator's login, for work that the application's own login may not do.
    seeds: True runs it only in environments with made-up data (S08).
    heartbeat: CloudWatch metric that counts its successes, which an alarm watches (W03).
    buckets: access to the product's buckets, by name.
    """

    name: str
    arguments: tuple[str, ...]
    deadline_seconds: int
    urgency: Urgency
    schedule: str | None = None
    backups: BackupUse | None = None
    administers: bool = False
    seeds: bool = False
    heartbeat: str | None = None
    buckets: Mapping[str, BucketAccess] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def reaches_aws(self) -> bool:
        return self.backups is not None or bool(self.buckets)
