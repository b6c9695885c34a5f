"""`python -m app restore-check`: the newest backup into a scratch database, counted, dropped (W03, W06).

A backup that was never restored is a hope. The same steps as in an emergency, at no risk, by the clock.
"""

import time
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from app import backup_metrics
from app.backup import Bucket
from app.restore import RestoreFailed, compare, load, manifest_of
from app.scratch import scratch
from app.service_settings import ServiceSettings


class Checked(BaseModel):
    """Result of a restore check, its duration, and how much work since the backup would be missing (W06)."""

    model_config = ConfigDict(frozen=True)

    database_key: str
    migration: str | None
    tables: dict[str, int]
    seconds: float
    age_seconds: float
    dry_run: bool = False


async def check(
    settings: ServiceSettings, key: str | None = None, *, within_hours: float | None = None, dry_run: bool = False
) -> Checked:
    """Try the backup with manifest `key`, or this region's newest, which must not be older than `within_hours`.

    With `dry_run` it is only looked for: manifest, age, and that the dump is there in full length. Raises
    RestoreFailed, ScratchBusy while another check runs, and NoRoom.
    """
    began = time.monotonic()
    bucket = Bucket.of(settings)
    manifest = manifest_of(bucket, settings, key)
    age = datetime.now(UTC) - manifest.made_at
    if within_hours is not None and age.total_seconds() > within_hours * 3600:
        hours = age.total_seconds() / 3600
        raise RestoreFailed(
            f"the newest backup, {manifest.database_key}, is {hours:.1f} h old; allowed are {within_hours:g} h:"
            " look at the job 'backup', which should have made newer ones"
        )
    if dry_run:
        size = bucket.size(manifest.database_key)
        if size != manifest.bytes:
            raise RestoreFailed(f"{manifest.database_key} has {size} bytes; its manifest says {manifest.bytes}")
    else:
        async with scratch(settings, manifest.database_bytes) as beside:
            await load(beside.settings, bucket, manifest)
            await compare(beside.settings, manifest)
    checked = Checked(
        database_key=manifest.database_key,
        migration=manifest.migration,
        tables=manifest.tables,
        seconds=round(time.monotonic() - began, 2),
        age_seconds=round(age.total_seconds(), 1),
        dry_run=dry_run,
    )
    if not dry_run:
        figures = {"RestoreSeconds": checked.seconds, "BackupAgeSeconds": checked.age_seconds}
        backup_metrics.count(settings, backup_metrics.RESTORE_CHECK, **figures)
    return checked
