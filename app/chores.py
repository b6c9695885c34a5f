"""Care of a product's database as chores that may be done again at any time (K17); a dry run says what each would do.

A chore that fails does not keep the others from being done. One that waits for a lock in vain, because a backup holds
it for as long as it reads, is tried again after the others.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalogue import tables
from app.database import LOCK_NOT_AVAILABLE, Database, sqlstate
from app.service_settings import ServiceSettings
from app.time_limits import Task, milliseconds

_LOG = structlog.get_logger("app.chores")
# A deletion holds no lock and no snapshot for longer than so much takes.
BATCH_ROWS = 10_000
# While a chore waits for its lock everybody else waits behind it, so it waits shortly and seldom.
LOCK_PAUSE_SECONDS, LOCK_PATIENCE_SECONDS = 30.0, 1800.0


class Schedule(StrEnum):
    """Schedule of a chore: daily 02:00 UTC, weekly on Sunday 03:00, monthly on the 1st 04:00."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True)
class Done:
    """Result of a chore, or of its dry run: number of rows or objects, and which; or the reason of its failure."""

    task: str
    changed: int
    detail: str = ""
    error: str = ""


class TablesFailed(Exception):
    """Some tables were not cared for; the message has each with its reason."""


Work = Callable[[AsyncConnection, bool], Awaitable[tuple[int, str]]]


@dataclass(frozen=True)
class Chore:
    """`work` gets a connection whose statements commit by themselves, and whether it is a dry run.

    Care of whole tables (`task` is not MAINTENANCE) may wait for locks: no reader or writer waits behind it.
    """

    name: str
    work: Work
    task: Task = Task.MAINTENANCE


async def run_chores(
    settings: ServiceSettings,
    chores: Sequence[Chore],
    *,
    dry_run: bool,
    pause: float = LOCK_PAUSE_SECONDS,
    patience: float = LOCK_PATIENCE_SECONDS,
) -> AsyncIterator[Done]:
    """Do chores; each is reported when it is done or has failed."""
    database, deadline = Database(settings, task=Task.MAINTENANCE), time.monotonic() + patience
    left: Sequence[Chore] = chores
    try:
        while left:
            blocked: list[Chore] = []
            for chore in left:
                try:
                    done = await _do(chore, database, settings, dry_run=dry_run)
                except Exception as error:  # noqa: BLE001  whatever one chore raises, the others are due
                    if sqlstate(error) == LOCK_NOT_AVAILABLE and time.monotonic() < deadline:
                        _LOG.warning("chore waits for a lock", task=chore.name, again_seconds=pause)
                        blocked.append(chore)
                        continue
                    _LOG.exception("chore failed", task=chore.name, error_type=type(error).__name__)
                    done = Done(chore.name, 0, error=f"{type(error).__name__}: {str(error)[:500]}")
                yield done
            left = blocked
            await asyncio.sleep(pause if left else 0)
    finally:
        await database.close()


async def _do(chore: Chore, database: Database, settings: ServiceSettings, *, dry_run: bool) -> Done:
    waits = settings.migration_lock_timeout_seconds if chore.task is Task.MAINTENANCE else 0
    async with database.writer.connect() as connection:
        own = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await own.execute(text(f"SET lock_timeout = {int(waits * 1000)}"))
        await own.execute(text(f"SET statement_timeout = {milliseconds(chore.task)}"))
        changed, detail = await chore.work(own, dry_run)
        return Done(chore.name, changed, detail)


def deletion(name: str, table: str, condition: str) -> Chore:
    """Delete the rows of a table that meet a condition, in batches."""
    return _in_batches(name, f"DELETE FROM {table}", table, condition)


def change(name: str, table: str, assignments: str, condition: str) -> Chore:
    """Change the rows of a table that meet a condition, which they meet no more afterwards, in batches."""
    return _in_batches(name, f"UPDATE {table} SET {assignments}", table, condition)


def _in_batches(name: str, action: str, table: str, condition: str) -> Chore:
    batch = f"SELECT ctid FROM {table} WHERE {condition} LIMIT {BATCH_ROWS}"

    async def work(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
        if dry_run:
            found = await connection.execute(text(f"SELECT count(*) FROM {table} WHERE {condition}"))
            return found.scalar_one(), f"{table} where {condition}"
        done, last = 0, BATCH_ROWS
        while last == BATCH_ROWS:
            last = (await connection.execute(text(f"{action} WHERE ctid = ANY(ARRAY({batch}))"))).rowcount
            done += last
        return done, f"{table} where {condition}"

    return Chore(name, work)


def care(name: str, statement: str, task: Task) -> Chore:
    """ANALYZE, VACUUM and REINDEX of every table; none of them blocks readers or writers."""

    async def work(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
        found = await tables(connection)
        failed: list[str] = []
        for table in () if dry_run else found:
            try:
                await connection.execute(text(statement.format(table=table)))
            except DBAPIError as error:
                failed.append(f"{table}: {str(error.orig)[:200]}")
        if failed:
            raise TablesFailed("; ".join(failed))
        return len(found), ", ".join(found)

    return Chore(name, work, task)


async def _key_audit(connection: AsyncConnection, _: bool) -> tuple[int, str]:
    rows = await connection.execute(
        text("SELECT id, client_id FROM api_keys WHERE revoked_at IS NULL AND created_at < now() - interval '90 days'")
    )
    old = [f"{row.id} of {row.client_id}" for row in rows]
    return len(old), ", ".join(old)


_INVALID = text(
    "SELECT indexrelid::regclass::text AS name FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
    " WHERE NOT indisvalid AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
)


async def _repair_indexes(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
    """Build anew what an index build that was cut off left behind: it costs every change and helps no query."""
    names = list((await connection.execute(_INVALID)).scalars())
    for name in () if dry_run else names:
        await connection.execute(text(f"REINDEX INDEX CONCURRENTLY {name}"))
    return len(names), ", ".join(names)


REVOCATIONS = deletion("revocations", "revocations", "expires_at < now()")
REVOKED_KEYS = deletion("revoked keys", "api_keys", "revoked_at < now() - interval '90 days'")
KEY_AUDIT = Chore("keys older than a quarter", _key_audit)
ANALYZE = care("analyze", "ANALYZE {table}", Task.VACUUM)
VACUUM = care("vacuum", "VACUUM (ANALYZE) {table}", Task.VACUUM)
REINDEX = care("reindex", "REINDEX TABLE CONCURRENTLY {table}", Task.REINDEX)
INDEXES = Chore("indexes", _repair_indexes, Task.REINDEX)

CARE: Mapping[Schedule, tuple[Chore, ...]] = {
    Schedule.DAILY: (REVOCATIONS, ANALYZE),
    Schedule.WEEKLY: (REVOKED_KEYS, VACUUM, KEY_AUDIT),
    Schedule.MONTHLY: (REINDEX,),
}
"""The care that any product's database needs (K17): the tables of the platform, statistics and indexes."""
