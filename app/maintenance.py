"""The care that content generation's database needs (K17), by schedule."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app import partitions
from app.chores import (
    ANALYZE,
    KEY_AUDIT,
    LOCK_PATIENCE_SECONDS,
    LOCK_PAUSE_SECONDS,
    REINDEX,
    REVOCATIONS,
    REVOKED_KEYS,
    VACUUM,
    Chore,
    Done,
    Schedule,
    deletion,
    run_chores,
)
from app.partitions import DEFAULT, Month
from app.service_settings import ServiceSettings

TEXTS_MONTHS, JOBS_MONTHS = 6, 12
# An archiving holds no lock and no snapshot for longer than so much takes.
BATCH_PAGES = 20_000


async def _make_partitions(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
    now = datetime.now(UTC)
    if dry_run:
        present = await connection.run_sync(partitions.existing)
        missing = tuple(month.table for month in partitions.months_needed(now) if month.table not in present)
    else:
        await connection.commit()
        together = await connection.execution_options(isolation_level="READ COMMITTED")
        missing = await together.run_sync(partitions.create_ahead, now)
    return len(missing), ", ".join(missing)


async def _archive_texts(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
    """Remove the text of jobs after half a year; their figures stay."""
    before = Month.of(datetime.now(UTC)).plus(-TEXTS_MONTHS)
    changed = 0
    for table in await _older(connection, before):
        pages = await connection.execute(text("SELECT pg_relation_size(:table) / 8192"), {"table": table})
        for page in range(0, pages.scalar_one() + 1, BATCH_PAGES):
            condition = f"content IS NOT NULL AND ctid >= '({page},0)' AND ctid < '({page + BATCH_PAGES},0)'"
            action = f"SELECT count(*) FROM {table}" if dry_run else f"UPDATE {table} SET content = NULL"
            done = await connection.execute(text(f"{action} WHERE {condition}"))
            changed += done.scalar_one() if dry_run else done.rowcount
    return changed, f"older than {before.first_day}"


async def _drop_partitions(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
    """Drop a month's partition with its jobs after a year; the lock is short, and the lock timeout guards it."""
    old = await _older(connection, Month.of(datetime.now(UTC)).plus(-JOBS_MONTHS))
    for name in () if dry_run else old:
        await connection.execute(text(f"DROP TABLE {name}"))
    return len(old), ", ".join(old)


async def _older(connection: AsyncConnection, month: Month) -> list[str]:
    """The partitions of months before one."""
    present = await connection.run_sync(partitions.existing)
    return [name for name in present if name != DEFAULT and name < month.table]


async def _cost_report(connection: AsyncConnection, _: bool) -> tuple[int, str]:
    query = "SELECT day, requests, total_cost_usd FROM daily_costs ORDER BY day DESC LIMIT 31"
    rows = await connection.execute(text(query))
    days = [f"{row.day}: {row.requests} requests, {row.total_cost_usd:.2f} USD" for row in rows]
    return len(days), "; ".join(days)


COST_REPORT = Chore("cost report", _cost_report)
CHORES: Mapping[Schedule, tuple[Chore, ...]] = {
    Schedule.DAILY: (
        Chore("partitions ahead", _make_partitions),
        REVOCATIONS,
        deletion("idempotency keys", "idempotency_keys", "created_at < now() - interval '24 hours'"),
        deletion("queue log", "pgqueuer_log", "created < now() - interval '30 days'"),
        ANALYZE,
        COST_REPORT,
    ),
    Schedule.WEEKLY: (
        deletion("queue statistics", "pgqueuer_statistics", "created < now() - interval '90 days'"),
        REVOKED_KEYS,
        VACUUM,
        KEY_AUDIT,
    ),
    Schedule.MONTHLY: (
        Chore("archive texts", _archive_texts),
        deletion("ledger of calls", "llm_calls", f"settled_at < now() - interval '{JOBS_MONTHS + 1} months'"),
        # No backup that holds a job of then is restored any more.
        deletion("record of erasures", "erasures", f"erased_at < now() - interval '{JOBS_MONTHS + 1} months'"),
        Chore("drop old partitions", _drop_partitions),
        REINDEX,
        COST_REPORT,
    ),
}


async def run(
    settings: ServiceSettings,
    schedule: Schedule,
    *,
    dry_run: bool,
    pause: float = LOCK_PAUSE_SECONDS,
    patience: float = LOCK_PATIENCE_SECONDS,
) -> AsyncIterator[Done]:
    """Do a schedule's chores of content generation; each is reported when it is done or has failed."""
    async for done in run_chores(settings, CHORES[schedule], dry_run=dry_run, pause=pause, patience=patience):
        yield done
