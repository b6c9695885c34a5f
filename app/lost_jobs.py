"""The net under the queues: open jobs that are in no queue are put back (no accepted job is lost).

That happens when a queue row vanished between two statements of a crash, or after the queue's table was restored.
"""

from collections.abc import Mapping
from datetime import timedelta

import structlog
from sqlalchemy import TextClause, text

from app.core_services import CoreServices
from app.database import Database
from app.domain import Priority
from app.ids import JobId
from app.lease import Duty, Lease, regularly
from app.locks import Lock
from app.queue import enqueue
from app.queue_names import Queue
from app.settings import Settings

_LOG = structlog.get_logger("app.sweeper")
BATCH = 500
Tables = Mapping[Queue, str]
"""Table of each queue's jobs."""


async def sweep(database: Database, tables: Tables, idle: timedelta) -> int:
    """One round; the number of jobs that were put back. Those that changed less than ``idle`` ago, by the database's
    clock, are left to who changes them.
    """
    back = 0
    async with database.write() as connection:
        free = await connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": Lock.SWEEP})
        if not free.scalar():
            return 0
        for queue, table in tables.items():
            rows = await connection.execute(_lost(queue, table), {"idle": idle, "batch": BATCH})
            lost = [(JobId.parse(name), Priority.BALANCED) for name in rows.scalars()]
            if lost:
                await enqueue(connection, lost, queue)
            back += len(lost)
    return back


def _lost(queue: Queue, table: str) -> TextClause:
    before = "" if queue is Queue.TEXTS else f"'{queue}:' || "
    return text(
        f"SELECT id FROM {table} j WHERE status IN ('pending', 'in_progress')"  # noqa: S608  names of ours
        " AND updated_at < now() - cast(:idle AS interval) AND NOT EXISTS (SELECT FROM pgqueuer q"
        f" WHERE q.dedupe_key = {before}j.id AND q.status IN ('queued', 'picked')) ORDER BY updated_at LIMIT :batch"
    )


async def sweep_regularly(core: CoreServices, settings: Settings, tables: Tables) -> None:
    """Sweep until cancelled, in the one process of the product that is elected for it."""

    async def work() -> None:
        back = await sweep(core.database, tables, timedelta(seconds=settings.job_lease_seconds))
        if back:
            _LOG.warning("swept", requeued=back)

    lease = Lease(core.database, Duty.SWEEP, settings.instance_id)
    await regularly(lease, settings.job_sweep_seconds, work, "sweep")
