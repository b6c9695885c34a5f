"""`python -m app restore`: a backup from S3 into a database beside, which takes the place of the first one after it was
counted (W06). Until then nothing is changed, and what was there is kept.
"""

import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Table, make_url, text

from app.access.owners import GRANTS, grants_on
from app.backup import Bucket, Manifest
from app.catalogue import migration_of, row_counts, tables
from app.database import Database
from app.postgres_programs import ProgramFailed, stream
from app.privacy import erase, erased_since
from app.scratch import scratch
from app.service_settings import ServiceSettings
from app.time_limits import Task


class RestoreFailed(Exception):
    """No restore that passed its check; the message says why, and what was left untouched."""


class Restored(BaseModel):
    """Result of a restore, its duration, and how much work since the backup is missing (the two objectives, W06)."""

    model_config = ConfigDict(frozen=True)

    database_key: str
    tables: dict[str, int]
    seconds: float
    age_seconds: float
    kept_as: str | None
    """The database that holds what was there before; drop it when it is no longer needed."""
    erased_again: int
    """Clients that were erased since the backup was made, and were erased from it once more (X03)."""


Aftercare = Callable[[ServiceSettings, ServiceSettings, Manifest], Awaitable[int]]
"""Completes a restored copy: given the settings of the database in use, those of the copy, and the backup's manifest,
returns the number of clients that were erased from the copy again.
"""


async def restore(
    settings: ServiceSettings, key: str | None = None, *, force: bool = False, aftercare: Aftercare | None = None
) -> Restored:
    """Restore the backup with manifest `key`, or this region's newest, in the place of DATABASE_URL_DIRECT's database.

    One that holds tables is refused unless `force` is given; then it is kept under another name, which the result has.
    Raises RestoreFailed, BackupFailed without a bucket, and what `scratch` raises.
    """
    began = time.monotonic()
    bucket = Bucket.of(settings)
    manifest = manifest_of(bucket, settings, key)
    present = await _present(settings)
    if present and not force:
        name = make_url(settings.database_url_direct.get_secret_value()).database
        raise RestoreFailed(
            f"the database '{name}' holds {len(present)} tables ({', '.join(present[:3])}, ...); restore into an empty"
            " one, or say --force to have it replaced and kept under another name; nothing was changed"
        )
    async with scratch(settings, manifest.database_bytes) as beside:
        await load(beside.settings, bucket, manifest)
        await compare(beside.settings, manifest)
        erased = await (aftercare or complete_content)(settings, beside.settings, manifest)
        kept = await beside.take_the_place(keep=bool(present))
    return Restored(
        database_key=manifest.database_key,
        tables=manifest.tables,
        seconds=round(time.monotonic() - began, 2),
        age_seconds=round((datetime.now(UTC) - manifest.made_at).total_seconds(), 1),
        kept_as=kept,
        erased_again=erased,
    )


def manifest_of(bucket: Bucket, settings: ServiceSettings, key: str | None) -> Manifest:
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


async def load(settings: ServiceSettings, bucket: Bucket, manifest: Manifest) -> None:
    """Bucket to pg_restore, without a file between; whole and unchanged. Raises RestoreFailed."""
    database = make_url(settings.database_url_direct.get_secret_value()).database
    options = ("--single-transaction", "--no-owner", "--no-privileges", f"--dbname={database}")
    digest, failure = hashlib.sha256(), None

    def chunks() -> Iterator[bytes]:
        for chunk in bucket.chunks(manifest.database_key):
            digest.update(chunk)
            yield chunk

    try:
        await stream(settings, "pg_restore", options, "contentgen-restore", lambda running: running.feed(chunks()))
    except (BotoCoreError, ClientError) as error:
        raise RestoreFailed(f"{manifest.database_key} cannot be read: {error}") from error
    except ProgramFailed as error:
        failure = error
    if digest.hexdigest() != manifest.sha256:
        raise RestoreFailed(
            f"{manifest.database_key} is damaged: its SHA-256 is {digest.hexdigest()}, the manifest says"
            f" {manifest.sha256}; nothing was changed, choose an older backup with --key"
        )
    if failure:
        raise RestoreFailed(str(failure)) from failure


async def compare(settings: ServiceSettings, manifest: Manifest) -> None:
    """Every table has as many rows as when the backup was made, at the same migration. Raises RestoreFailed."""
    async with Database(settings, task=Task.RESTORE) as database, database.read() as connection:
        found = await row_counts(connection)
        migration = await migration_of(connection)
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


async def complete_content(
    settings: ServiceSettings, restored: ServiceSettings, manifest: Manifest, more: Sequence[Table] = ()
) -> int:
    """Rights and erasures of a copy of content generation's database, and of ``more`` tables of clients in it."""
    await _grant(restored, GRANTS)
    return await _erase_again(settings, restored, manifest, more)


def granting(*tables: str) -> Aftercare:
    """For a product whose clients act by themselves on these tables, and that has no record of erasures."""

    async def complete(_: ServiceSettings, restored: ServiceSettings, __: Manifest) -> int:
        await _grant(restored, grants_on(*tables))
        return 0

    return complete


async def complete_nothing(_: ServiceSettings, __: ServiceSettings, ___: Manifest) -> int:
    """For a product whose schema has neither rights of its own nor a record of erasures."""
    return 0


async def _erase_again(
    settings: ServiceSettings, restored: ServiceSettings, manifest: Manifest, more: Sequence[Table]
) -> int:
    """Erase again in the restored copy the clients that were erased after the backup; the record is in the database
    that is replaced.
    """
    async with Database(settings, task=Task.ERASE) as now, Database(restored, task=Task.ERASE) as then:
        clients = await erased_since(now, manifest.made_at)
        for client in clients:
            await erase(then, client, more=more)
        return len(clients)


async def _grant(settings: ServiceSettings, grants: Sequence[str]) -> None:
    async with Database(settings, task=Task.RESTORE) as database, database.write() as connection:
        for statement in grants:
            await connection.execute(text(statement))


async def _present(settings: ServiceSettings) -> list[str]:
    async with Database(settings, task=Task.RESTORE) as database, database.read() as connection:
        return await tables(connection)
