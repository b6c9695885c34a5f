"""`python -m app migrate`: bring the database to this release. Safe to run twice, and by several pods at once."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from pydantic import SecretStr
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app import partitions, roles
from app.catalogue import migration_of
from app.database import LOCK_NOT_AVAILABLE, Database, engine, sqlstate
from app.locks import Lock
from app.settings import Settings
from app.time_limits import Task

WAIT_SECONDS = 120.0
# A backup holds its locks for as long as it reads. While a migration waits for one, everybody else waits behind it, so
# it waits shortly and tries again.
LOCK_PAUSE_SECONDS, LOCK_PATIENCE_SECONDS = 15.0, 600.0
_LOG = structlog.get_logger("app.migrate")


class MigrationBusy(Exception):
    """Another migrator held the lock for longer than we wait."""


@dataclass(frozen=True)
class Migrated:
    """Result of a run."""

    version: str
    partitions: tuple[str, ...]


def head() -> str:
    """The revision this release needs."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None
    return found


async def migrate(settings: Settings, revision: str = "head") -> Migrated:
    """Alembic's revisions, the queue's schema and the partitions ahead, over the direct connection (E09).

    A statement that waits for a lock longer than the configured timeout fails, because a migration must never make the
    service wait; it is tried again, and after ten minutes the migration fails. Raises MigrationBusy and sqlalchemy's
    errors.
    """
    if settings.database_admin_url is not None:
        await _ensure_logins(settings, settings.database_admin_url)
    async with Database(settings, task=Task.MIGRATE) as database, database.writer.connect() as connection:
        # The lock ends with the connection: a statement that gave it back would hide the error of one that failed.
        await _lock(connection)
        await _settle(connection, settings)
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        made = None
        while made is None:
            made = await _unless_locked(connection, revision, deadline)
        return Migrated(await migration_of(connection) or "", made)


async def _unless_locked(connection: AsyncConnection, revision: str, deadline: float) -> tuple[str, ...] | None:
    """Apply the remaining steps, each in a transaction of its own; None when one waited for a lock in vain."""
    try:
        applied = await migration_of(connection)
        await connection.commit()
        if applied is not None and applied > head():
            # After a rollback: the newer schema was expanded for this release too, whose migrations are all in it.
            _LOG.warning("the database is newer than this release", applied=applied, own=head())
        else:
            await connection.run_sync(_upgrade, revision)
            await _install_queue(connection)
        await connection.commit()
        made = await connection.run_sync(partitions.create_ahead, datetime.now(UTC))
        await connection.commit()
    except DBAPIError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE or time.monotonic() > deadline:
            raise
        _LOG.warning("the migration waits for a lock", again_seconds=LOCK_PAUSE_SECONDS, error=str(error.orig))
        await connection.rollback()
        await asyncio.sleep(LOCK_PAUSE_SECONDS)
        return None
    return made


async def _ensure_logins(settings: Settings, address: SecretStr) -> None:
    """Before anything else, because what follows logs in as one of them."""
    administrators = engine(settings, address, Task.MIGRATE)
    service, owners = (
        {name: password.get_secret_value() for name, password in logins.items()}
        for logins in (settings.database_logins, settings.database_owner_logins)
    )
    try:
        async with administrators.connect() as connection:
            await roles.ensure(connection, service, owners)
    finally:
        await administrators.dispose()


async def _lock(connection: AsyncConnection) -> None:
    # Polled rather than waited for: a waiting statement holds a snapshot, which CREATE INDEX CONCURRENTLY waits for.
    deadline = time.monotonic() + WAIT_SECONDS
    while not (await connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": Lock.MIGRATION})).scalar():
        await connection.commit()
        if time.monotonic() > deadline:
            raise MigrationBusy(
                f"another migration has been running for {WAIT_SECONDS:.0f} s; wait for it, then try again"
            )
        await asyncio.sleep(0.2)
    await connection.commit()


async def _settle(connection: AsyncConnection, settings: Settings) -> None:
    milliseconds = int(settings.migration_lock_timeout_seconds * 1000)
    await connection.execute(text(f"SET lock_timeout = {milliseconds}"))
    await connection.commit()


async def _install_queue(connection: AsyncConnection) -> None:
    raw = (await connection.get_raw_connection()).driver_connection
    queue = Queries(AsyncpgDriver(raw))  # type: ignore[arg-type]
    if await queue.schema_is_installed():
        await queue.upgrade()
    else:
        await queue.install()


def _upgrade(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    connection.commit()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
