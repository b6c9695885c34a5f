"""The net under the queue: open jobs that are in no queue are put back, old ones expire (no accepted job is lost).

That happens when a queue row vanished between two statements of a crash, or after the queue's table was restored.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import text

from app.database import Database, DatabaseUnavailable
from app.domain import Priority
from app.failures import FAILURES
from app.ids import JobId
from app.queue import enqueue
from app.services import Services
from app.telemetry.metrics import CONTENT_REQUESTS

_LOG = structlog.get_logger("app.sweeper")
BATCH = 500
# Any number; the sweepers of one database take turns on it.
_LOCK = 4_117_220_503

_ORPHANS = text(
    "SELECT id, priority FROM jobs j WHERE status IN ('pending', 'in_progress')"
    " AND updated_at < now() - cast(:idle AS interval)"
    " AND NOT EXISTS (SELECT FROM pgqueuer q WHERE q.dedupe_key = j.id AND q.status IN ('queued', 'picked'))"
    " ORDER BY created_at LIMIT :batch"
)
_EXPIRE = text(
    "UPDATE jobs SET status = 'expired', finished_at = now(), updated_at = now(), error_type = 'expired',"
    " error = :reason WHERE status = 'pending' AND attempt = 0 AND ticket_until IS NULL AND expires_at <= now()"
)


@dataclass(frozen=True)
class Swept:
    """What one round found."""

    requeued: int
    expired: int


async def sweep(database: Database, idle: timedelta) -> Swept:
    """One round; jobs that changed less than `idle` ago, by the database's clock, are left to who changes them."""
    async with database.write() as connection:
        if not (await connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK})).scalar():
            return Swept(0, 0)
        expired = (await connection.execute(_EXPIRE, {"reason": FAILURES["expired"].sentence})).rowcount
        rows = (await connection.execute(_ORPHANS, {"idle": idle, "batch": BATCH})).all()
        if rows:
            await enqueue(connection, [(JobId.parse(row.id), Priority(row.priority)) for row in rows])
    return Swept(len(rows), expired)


async def sweep_regularly(services: Services) -> None:
    """Sweep until cancelled."""
    settings = services.settings
    while True:
        await asyncio.sleep(settings.job_sweep_seconds)
        try:
            swept = await sweep(services.database, timedelta(seconds=settings.job_lease_seconds))
        except DatabaseUnavailable as error:
            _LOG.warning("sweep failed", error=str(error))
            continue
        if swept.requeued or swept.expired:
            CONTENT_REQUESTS.labels("expired").inc(swept.expired)
            _LOG.warning("swept", requeued=swept.requeued, expired=swept.expired)
