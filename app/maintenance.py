"""The care the database needs, as tasks that may be run again at any time (K17); --dry-run says what each would do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app import partitions
from app.database import Database
from app.partitions import Month
from app.settings import Settings


class Schedule(StrEnum):
    """When a task is due: daily 02:00 UTC, weekly on Sunday 03:00, monthly on the 1st 04:00."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True)
class Done:
    """What a task did, or would do: rows or objects, and which."""

    task: str
    changed: int
    detail: str = ""


Work = Callable[[AsyncConnection, bool], Awaitable[Done]]
TEXTS_MONTHS, JOBS_MONTHS = 6, 12


async def run(settings: Settings, schedule: Schedule, *, dry_run: bool) -> list[Done]:
    """Run a schedule's tasks in order, each in statements of its own. Raises what the database raises."""
    database = Database(settings, direct=True)
    try:
        async with database.writer.connect() as connection:
            own = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await own.execute(text(f"SET lock_timeout = {int(settings.migration_lock_timeout_seconds * 1000)}"))
            return [await task(own, dry_run) for task in TASKS[schedule]]
    finally:
        await database.close()


def _deletion(name: str, table: str, condition: str) -> Work:
    async def work(connection: AsyncConnection, dry_run: bool) -> Done:
        if dry_run:
            found = await connection.execute(text(f"SELECT count(*) FROM {table} WHERE {condition}"))
            return Done(name, found.scalar_one(), f"{table} where {condition}")
        deleted = await connection.execute(text(f"DELETE FROM {table} WHERE {condition}"))
        return Done(name, deleted.rowcount, f"{table} where {condition}")

    return work


def _care(name: str, statement: str) -> Work:
    """ANALYZE, VACUUM and REINDEX of every table; none of them blocks readers or writers."""

    async def work(connection: AsyncConnection, dry_run: bool) -> Done:
        found = await connection.execute(text(_TABLES))
        tables = [str(row[0]) for row in found]
        for table in () if dry_run else tables:
            await connection.execute(text(statement.format(table=table)))
        return Done(name, len(tables), ", ".join(tables))

    return work


async def _make_partitions(connection: AsyncConnection, dry_run: bool) -> Done:
    now = datetime.now(UTC)
    if dry_run:
        present = await connection.run_sync(partitions.existing)
        missing = tuple(m.table for m in partitions.months_needed(now) if m.table not in present)
    else:
        missing = await connection.run_sync(partitions.create_ahead, now)
    return Done("partitions ahead", len(missing), ", ".join(missing))


async def _archive_texts(connection: AsyncConnection, dry_run: bool) -> Done:
    """After half a year a job keeps its figures and loses its text."""
    before = Month.of(datetime.now(UTC)).plus(-TEXTS_MONTHS).first_day
    condition = "content IS NOT NULL AND created_at < :before"
    action = "SELECT count(*) FROM jobs" if dry_run else "UPDATE jobs SET content = NULL"
    statement = f"{action} WHERE {condition}"
    result = await connection.execute(text(statement), {"before": datetime.combine(before, datetime.min.time(), UTC)})
    return Done("archive texts", result.scalar_one() if dry_run else result.rowcount, f"older than {before}")


async def _drop_partitions(connection: AsyncConnection, dry_run: bool) -> Done:
    """After a year a month's jobs go with their partition; the lock is short, and the lock timeout guards it.

    DETACH ... CONCURRENTLY is refused where a default partition exists, and that one is what never loses a job.
    """
    oldest = Month.of(datetime.now(UTC)).plus(-JOBS_MONTHS).table
    present = await connection.run_sync(partitions.existing)
    old = [name for name in present if name != "jobs_default" and name < oldest]
    for name in () if dry_run else old:
        await connection.execute(text(f"ALTER TABLE jobs DETACH PARTITION {name}"))
        await connection.execute(text(f"DROP TABLE {name}"))
    return Done("drop old partitions", len(old), ", ".join(old))


async def _cost_report(connection: AsyncConnection, _: bool) -> Done:
    query = "SELECT day, requests, total_cost_usd FROM daily_costs ORDER BY day DESC LIMIT 31"
    rows = await connection.execute(text(query))
    days = [f"{row.day}: {row.requests} requests, {row.total_cost_usd:.2f} USD" for row in rows]
    return Done("cost report", len(days), "; ".join(days))


async def _key_audit(connection: AsyncConnection, _: bool) -> Done:
    rows = await connection.execute(
        text("SELECT id, client_id FROM api_keys WHERE revoked_at IS NULL AND created_at < now() - interval '90 days'")
    )
    old = [f"{row.id} of {row.client_id}" for row in rows]
    return Done("keys older than a quarter", len(old), ", ".join(old))


_TABLES = (
    "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = current_schema() AND c.relkind = 'r' ORDER BY 1"
)

TASKS: Mapping[Schedule, tuple[Work, ...]] = {
    Schedule.DAILY: (
        _make_partitions,
        _deletion("idempotency keys", "idempotency_keys", "created_at < now() - interval '24 hours'"),
        _deletion("queue log", "pgqueuer_log", "aggregated AND created < now() - interval '30 days'"),
        _care("analyze", "ANALYZE {table}"),
        _cost_report,
    ),
    Schedule.WEEKLY: (
        _deletion("queue statistics", "pgqueuer_statistics", "created < now() - interval '90 days'"),
        _deletion("revoked keys", "api_keys", "revoked_at < now() - interval '90 days'"),
        _care("vacuum", "VACUUM (ANALYZE) {table}"),
        _key_audit,
    ),
    Schedule.MONTHLY: (
        _archive_texts,
        _drop_partitions,
        _care("reindex", "REINDEX TABLE CONCURRENTLY {table}"),
        _cost_report,
    ),
}
