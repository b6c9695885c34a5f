"""The net under the queue: open jobs that are in no queue are put back, old ones expire (no accepted job is lost).

That happens when a queue row vanished between two statements of a crash, or after the queue's table was restored.
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import text

from app.database import Database
from app.domain import Priority
from app.failures import FAILURES
from app.ids import JobId
from app.lease import Duty, Lease, regularly
from app.locks import Lock
from app.queue import enqueue
from app.services import Services
from app.telemetry.metrics import CONTENT_REQUESTS

_LOG = structlog.get_logger("app.sweeper")
BATCH = 500

_ORPHANS = text(
    "SELECT id, priority FROM jobs j WHERE status IN ('pending', 'in_progress')"
    " AND updated_at < now() - cast(:idle AS interval)"
    " AND NOT EXISTS (SELECT FROM pgqueuer q WHERE q.dedupe_key = j.id AND q.status IN ('queued', 'picked'))"
    " ORDER BY created_at LIMIT :batch"
)
_EXPIRE = text(
    "UPDATE jobs SET status = 'expired', finished_at = now(), updated_at = now(), error_type = 'expired',"
    " error = :reason WHERE status = 'pending' AND attempt = 0 AND ticket_until IS NULL AND expires_at <= now()"
    " RETURNING coalesce(owner, '~' || client_id)"
)


@dataclass(frozen=True)
class Swept:
    """Result of one round."""

    requeued: int
    expired: int
    owners: frozenset[str] = frozenset()
    """Owners of the jobs that expired."""


async def sweep(database: Database, idle: timedelta) -> Swept:
    """One round; jobs that changed less than `idle` ago, by the database's clock, are left to who changes them."""
    async with database.write() as connection:
        free = await connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": Lock.SWEEP})
        if not free.scalar():
            return Swept(0, 0)
        ended = (await connection.execute(_EXPIRE, {"reason": FAILURES["expired"].sentence})).scalars().all()
        rows = (await connection.execute(_ORPHANS, {"idle": idle, "batch": BATCH})).all()
        if rows:
            await enqueue(connection, [(JobId.parse(row.id), Priority(row.priority)) for row in rows])
    return Swept(len(rows), len(ended), frozenset(ended))


async def sweep_regularly(services: Services) -> None:
    """Sweep until cancelled, in the one process of a region that is elected for it."""
    settings = services.settings

    async def work() -> None:
        swept = await sweep(services.database, timedelta(seconds=settings.job_lease_seconds))
        await services.lists.changed(*swept.owners)
        if swept.requeued or swept.expired:
            CONTENT_REQUESTS.labels("expired").inc(swept.expired)
            _LOG.warning("swept", requeued=swept.requeued, expired=swept.expired)

    lease = Lease(services.database, Duty.SWEEP, settings.instance_id)
    await regularly(lease, settings.job_sweep_seconds, work, "sweep")
