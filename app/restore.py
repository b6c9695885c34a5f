"""`python -m app restore`: a backup from S3 into the database, believed only after it was counted (W03, W06).

A backup that was never restored is a hope. `--scratch` restores into a database of its own, checks it and drops it
again: the same steps as in an emergency, at no risk, so it can run after each backup.
"""

import secrets
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from sqlalchemy import make_url, text

from app.backup import BackupFailed, Bucket, Manifest, digest, row_counts
from app.database import Database
from app.postgres_programs import environment, program
from app.settings import Settings


class RestoreFailed(Exception):
    """Nothing that could be believed was restored; the message says why, and what was left untouched."""


class Restored(BaseModel):
    """What was restored, how long it took, and how much work since the backup is missing (the two objectives, W06)."""

    model_config = ConfigDict(frozen=True)

    database_key: str
    tables: dict[str, int]
    seconds: float
    age_seconds: float


async def restore(
    settings: Settings, key: str | None = None, *, force: bool = False, scratch: bool = False
) -> Restored:
    """Restore the backup with manifest `key`, or the newest, into DATABASE_URL_DIRECT.

    A database that holds tables is refused unless `force` is given; then its schema is dropped first, after the dump
    was downloaded and its digest checked. Raises RestoreFailed.
    """
    began = time.monotonic()
    bucket = _bucket(settings)
    manifest = _manifest(bucket, key)
    with tempfile.TemporaryDirectory(prefix="contentgen-restore-") as folder:
        dump = Path(folder) / "database.dump"
        _download(bucket, manifest, dump)
        async with _target(settings, scratch=scratch) as target:
            if not scratch:
                await _make_room(target, force=force)
            _pg_restore(target, dump)
            await _check(target, manifest)
    return Restored(
        database_key=manifest.database_key,
        tables=manifest.tables,
        seconds=round(time.monotonic() - began, 2),
        age_seconds=round((datetime.now(UTC) - manifest.made_at).total_seconds(), 1),
    )


def _bucket(settings: Settings) -> Bucket:
    try:
        return Bucket.of(settings)
    except BackupFailed as error:
        raise RestoreFailed(str(error)) from error


def _manifest(bucket: Bucket, key: str | None) -> Manifest:
    try:
        chosen = key or max(bucket.manifests(), default=None)
        if chosen is None:
            raise RestoreFailed(f"s3://{bucket.name} holds no backup: nothing under db/ ends with .manifest.json")
        return Manifest.model_validate_json(bucket.get(chosen))
    except (BotoCoreError, ClientError) as error:
        raise RestoreFailed(f"s3://{bucket.name}/{key or ''} cannot be read: {error}") from error
    except ValidationError as error:
        raise RestoreFailed(f"the manifest {key} is damaged: {error.error_count()} fields do not fit") from error


def _download(bucket: Bucket, manifest: Manifest, dump: Path) -> None:
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


@asynccontextmanager
async def _target(settings: Settings, *, scratch: bool) -> AsyncIterator[Settings]:
    """The settings of the database to restore into; a scratch one lives for the block."""
    if not scratch:
        yield settings
        return
    name = f"scratch_{secrets.token_hex(6)}"
    url = make_url(settings.database_url_direct.get_secret_value()).set(database=name)
    there = SecretStr(url.render_as_string(hide_password=False))
    await _outside_a_transaction(settings, f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        yield settings.model_copy(update={"database_url": there, "database_url_direct": there})
    finally:
        await _outside_a_transaction(settings, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _outside_a_transaction(settings: Settings, statement: str) -> None:
    database = Database(settings, direct=True)
    try:
        async with database.writer.connect() as connection:
            own = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await own.execute(text(statement))
    finally:
        await database.close()


async def _make_room(settings: Settings, *, force: bool) -> None:
    database = Database(settings, direct=True)
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


def _pg_restore(settings: Settings, dump: Path) -> None:
    """In one transaction: what fails half way leaves nothing behind."""
    try:
        command = [program(settings, "pg_restore"), "--single-transaction", "--no-owner", "--no-privileges"]
        variables = environment(settings.database_url_direct, "contentgen-restore")
    except OSError as error:
        raise RestoreFailed(str(error)) from error
    database = f"--dbname={variables['PGDATABASE']}"
    result = subprocess.run(
        [*command, "--no-password", database, str(dump)], env=variables, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise RestoreFailed(f"pg_restore ended with {result.returncode}: {result.stderr.strip()[-1000:]}")


async def _check(settings: Settings, manifest: Manifest) -> None:
    """Every table has as many rows as when the backup was made."""
    database = Database(settings, direct=True)
    try:
        async with database.read() as connection:
            found = await row_counts(connection)
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
