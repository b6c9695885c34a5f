"""`python -m app restore`: a backup from S3 into the database, believed only after it was counted (W06)."""

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import make_url, text

from app.backup import BackupFailed, Bucket, Manifest, digest
from app.catalogue import migration_of, row_counts
from app.database import Database
from app.postgres_programs import run
from app.settings import Settings
from app.time_limits import Task


class RestoreFailed(Exception):
    """Nothing that could be believed was restored; the message says why, and what was left untouched."""


class Restored(BaseModel):
    """What was restored, how long it took, and how much work since the backup is missing (the two objectives, W06)."""

    model_config = ConfigDict(frozen=True)

    database_key: str
    tables: dict[str, int]
    seconds: float
    age_seconds: float


async def restore(settings: Settings, key: str | None = None, *, force: bool = False) -> Restored:
    """Restore the backup with manifest `key`, or this region's newest, into DATABASE_URL_DIRECT.

    A database that holds tables is refused unless `force` is given; then its schema is dropped first, after the dump
    was downloaded and its digest checked. Raises RestoreFailed.
    """
    began = time.monotonic()
    bucket = bucket_of(settings)
    manifest = manifest_of(bucket, settings, key)
    with tempfile.TemporaryDirectory(prefix="contentgen-restore-") as folder:
        dump = Path(folder) / "database.dump"
        download(bucket, manifest, dump)
        await _make_room(settings, force=force)
        await load(settings, dump)
        await compare(settings, manifest)
    return Restored(
        database_key=manifest.database_key,
        tables=manifest.tables,
        seconds=round(time.monotonic() - began, 2),
        age_seconds=round((datetime.now(UTC) - manifest.made_at).total_seconds(), 1),
    )


def bucket_of(settings: Settings) -> Bucket:
    """The configured bucket. Raises RestoreFailed when there is none."""
    try:
        return Bucket.of(settings)
    except BackupFailed as error:
        raise RestoreFailed(str(error)) from error


def manifest_of(bucket: Bucket, settings: Settings, key: str | None) -> Manifest:
    """The manifest `key`, or the newest of this environment and region. Raises RestoreFailed."""
    try:
        chosen = key or bucket.newest(settings)
        if chosen is None:
            raise RestoreFailed(
                f"s3://{bucket.name} holds no backup of {settings.environment} in {settings.region}: nothing under db/"
                f" ends with .manifest.json and is of the region; name another one with --key"
            )
        return Manifest.model_validate_json(bucket.get(chosen))
    except (BotoCoreError, ClientError) as error:
        raise RestoreFailed(f"s3://{bucket.name}/{key or ''} cannot be read: {error}") from error
    except ValidationError as error:
        raise RestoreFailed(f"the manifest {key} is damaged: {error.error_count()} fields do not fit") from error


def download(bucket: Bucket, manifest: Manifest, dump: Path) -> None:
    """The dump, whole and unchanged. Raises RestoreFailed."""
    try:
        bucket.download(manifest.database_key, dump)
    except (BotoCoreError, ClientError) as error:
        raise RestoreFailed(f"{manifest.database_key} cannot be read: {error}") from error
    found = digest(dump)
    if found != manifest.sha256:
        raise RestoreFailed(
            f"{manifest.database_key} is damaged: its SHA-256 is {found}, the manifest says {manifest.sha256};"
            " nothing was changed, choose an older backup with --key"
        )


async def load(settings: Settings, dump: Path) -> None:
    """pg_restore in one transaction: what fails half way leaves nothing behind. Raises RestoreFailed."""
    database = make_url(settings.database_url_direct.get_secret_value()).database
    options = ("--single-transaction", "--no-owner", "--no-privileges", f"--dbname={database}", str(dump))
    try:
        ended = await run(settings, "pg_restore", options, "contentgen-restore")
    except OSError as error:
        raise RestoreFailed(str(error)) from error
    if ended.code != 0:
        raise RestoreFailed(f"pg_restore ended with {ended.code}: {ended.errors}")


async def compare(settings: Settings, manifest: Manifest) -> None:
    """Every table has as many rows as when the backup was made, at the same migration. Raises RestoreFailed."""
    database = Database(settings, task=Task.RESTORE)
    try:
        async with database.read() as connection:
            found = await row_counts(connection)
            migration = await migration_of(connection)
    finally:
        await database.close()
    names = sorted(found.keys() | manifest.tables.keys())
    wrong = [
        f"{name}: {found.get(name)}, not {manifest.tables.get(name)}"
        for name in names
        if found.get(name) != manifest.tables.get(name)
    ]
    if wrong:
        raise RestoreFailed(f"the restored rows are not those of the backup: {'; '.join(wrong[:10])}")
    # Manifests of release 0.1.0 do not say their migration.
    if manifest.migration is not None and migration != manifest.migration:
        raise RestoreFailed(f"the restored schema is at migration {migration}, the backup's was {manifest.migration}")


async def _make_room(settings: Settings, *, force: bool) -> None:
    database = Database(settings, task=Task.RESTORE)
    try:
        async with database.write() as connection:
            present = await row_counts(connection)
            if present and not force:
                name = make_url(settings.database_url_direct.get_secret_value()).database
                raise RestoreFailed(
                    f"the database '{name}' holds {len(present)} tables ({', '.join(list(present)[:3])}, ...); restore"
                    " into an empty one, or say --force to lose what is there; nothing was changed"
                )
            if present:
                await connection.execute(text("DROP SCHEMA public CASCADE"))
                await connection.execute(text("CREATE SCHEMA public"))
    finally:
        await database.close()
