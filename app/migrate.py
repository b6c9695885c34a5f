"""`python -m app migrate`: bring the database to this release. Safe to run twice, and by several pods at once."""

import asyncio
import time
from dataclasses import dataclass

import structlog
from alembic import command
from pydantic import SecretStr
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app import roles
from app.catalogue import migration_of
from app.content_history import CONTENT
from app.database import LOCK_NOT_AVAILABLE, Database, engine, sqlstate
from app.history import VERSIONS, History
from app.locks import Lock
from app.service_settings import ServiceSettings
from app.time_limits import Task

WAIT_SECONDS = 120.0
# A backup holds its locks for as long as it reads. While a migration waits for one, everybody else waits behind it, so
# it waits shortly and tries again.
LOCK_PAUSE_SECONDS, LOCK_PATIENCE_SECONDS = 15.0, 600.0
_LOG = structlog.get_logger("app.migrate")


class MigrationBusy(Exception):
    """Another migrator held the lock for longer than we wait."""


class OtherDatabase(Exception):
    """The database belongs to another product; nothing was changed."""


@dataclass(frozen=True)
class Migrated:
    """Result of a run."""

    version: str
    partitions: tuple[str, ...]


def head(history: History = CONTENT) -> str:
    """The revision this release needs."""
    return history.head()


async def migrate(settings: ServiceSettings, revision: str = "head", history: History = CONTENT) -> Migrated:
    """Alembic's revisions of one product and what its schema needs beside them, over the direct connection (E09).

    A statement that waits for a lock longer than the configured timeout fails, because a migration must never make the
    service wait; it is tried again, and after ten minutes the migration fails. Raises MigrationBusy, OtherDatabase and
    sqlalchemy's errors.
    """
    if settings.database_admin_url is not None:
        await _ensure_logins(settings, settings.database_admin_url)
    async with Database(settings, task=Task.MIGRATE) as database, database.writer.connect() as connection:
        # The lock ends with the connection: a statement that gave it back would hide the error of one that failed.
        await _lock(connection)
        await _settle(connection, settings)
        await _check_owner(connection, settings, history)
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        partitions: tuple[str, ...] = ()
        for step in history.steps():
            made = None
            while made is None:
                made = await _unless_locked(connection, revision if step is history else "head", step, deadline)
            partitions += made
        return Migrated(await migration_of(connection, history.versions) or "", partitions)


async def _check_owner(connection: AsyncConnection, settings: ServiceSettings, history: History) -> None:
    """Two products' revisions have the same numbers, so one would take the other's database for its own."""
    applied = await migration_of(connection)
    name = make_url(settings.database_url_direct.get_secret_value()).database
    fix = "name a database of its own, or give the right --product"
    if applied is not None and not await _there(connection, history.mark):
        raise OtherDatabase(
            f"DATABASE_URL_DIRECT: the database '{name}' is at migration {applied} and has no table '{history.mark}',"
            f" so it is not {history.product}'s; {fix}"
        )
    others = [name for name in await _versions_with_a_base(connection) if name != history.mark]
    if others:
        raise OtherDatabase(
            f"DATABASE_URL_DIRECT: the database '{name}' has the table '{others[0]}', so it is not"
            f" {history.product}'s; {fix}"
        )
    if history.base is not None:
        # As alembic makes it, before the base's revisions: one that is broken off leaves a database that is known.
        own = f"version_num varchar(32) NOT NULL CONSTRAINT {history.mark}_pkc PRIMARY KEY"
        await connection.execute(text(f"CREATE TABLE IF NOT EXISTS {history.mark} ({own})"))
    await connection.commit()


async def _there(connection: AsyncConnection, table: str) -> bool:
    return (await connection.execute(text("SELECT to_regclass(:table)"), {"table": table})).scalar() is not None


async def _versions_with_a_base(connection: AsyncConnection) -> list[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE :form ORDER BY 1"
    return [str(row[0]) for row in await connection.execute(text(query), {"form": rf"{VERSIONS}\_%"})]


async def _unless_locked(
    connection: AsyncConnection, revision: str, history: History, deadline: float
) -> tuple[str, ...] | None:
    """Apply the remaining steps, each in a transaction of its own; None when one waited for a lock in vain."""
    try:
        applied = await migration_of(connection, history.versions)
        await connection.commit()
        if applied is not None and applied > history.head():
            # After a rollback: the newer schema was expanded for this release too, whose migrations are all in it.
            _LOG.warning("the database is newer than this release", applied=applied, own=history.head())
        else:
            await connection.run_sync(_upgrade, revision, history)
        await connection.commit()
        made = await history.complete(connection)
    except DBAPIError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE or time.monotonic() > deadline:
            raise
        _LOG.warning("the migration waits for a lock", again_seconds=LOCK_PAUSE_SECONDS, error=str(error.orig))
        await connection.rollback()
        await asyncio.sleep(LOCK_PAUSE_SECONDS)
        return None
    return made


async def _ensure_logins(settings: ServiceSettings, address: SecretStr) -> None:
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


async def _settle(connection: AsyncConnection, settings: ServiceSettings) -> None:
    milliseconds = int(settings.migration_lock_timeout_seconds * 1000)
    await connection.execute(text(f"SET lock_timeout = {milliseconds}"))
    await connection.commit()


def _upgrade(connection: Connection, revision: str, history: History) -> None:
    config = history.config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    connection.commit()
