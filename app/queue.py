"""The queue: pgqueuer's tables in the same Postgres, so that a job and its place in the queue commit together.

Order without starvation: a job's rank is the moment it should have begun by, its acceptance plus the patience of its
priority. A cheap job waits behind newer fast ones for five minutes at most, then it is the oldest and goes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

import asyncpg
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import driver
from app.domain import Priority
from app.ids import JobId

ENTRYPOINT = "ai_generation"

PATIENCE_SECONDS = MappingProxyType(
    {Priority.SPEED: 0, Priority.BALANCED: 30, Priority.QUALITY: 60, Priority.COST: 300}
)

_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class QueueState:
    """State of a queue: jobs that could begin, jobs that run, age of the oldest, texts that batches will bring."""

    waiting: int
    running: int
    oldest_seconds: float
    in_batches: int


def rank(priority: Priority, accepted: datetime) -> int:
    """pgqueuer takes the highest rank first: later deadlines rank lower. Seconds, so 32 bits last until 2093."""
    return -int((accepted - _EPOCH).total_seconds() + PATIENCE_SECONDS[priority])


def queries(connection: asyncpg.Connection) -> Queries:
    """pgqueuer's statements on one connection."""
    return Queries(AsyncpgDriver(connection))


async def enqueue(connection: AsyncConnection, jobs: Sequence[tuple[JobId, Priority]]) -> None:
    """Put jobs into the queue inside the open transaction; one that is queued already is left alone."""
    names = [str(job) for job, _ in jobs]
    payloads: list[bytes | None] = [name.encode() for name in names]
    keys: list[str | None] = [*names]
    await queries(await driver(connection)).enqueue(
        [ENTRYPOINT] * len(jobs),
        payloads,
        [rank(priority, job.created_at) for job, priority in jobs],
        dedupe_key=keys,
        on_conflict="skip",
    )


async def withdraw(connection: AsyncConnection, job: JobId) -> None:
    """Take a cancelled job out of the queue and notify the worker that may be running it."""
    raw = await driver(connection)
    rows = await raw.fetch("SELECT id FROM pgqueuer WHERE dedupe_key = $1", str(job))
    if rows:
        await queries(raw).mark_job_as_cancelled([row["id"] for row in rows])


async def state(connection: AsyncConnection) -> QueueState:
    """Figures for metrics and for the administrator."""
    row = (await connection.execute(_STATE, {"entrypoint": ENTRYPOINT})).one()
    return QueueState(int(row.waiting), int(row.running), float(row.oldest), int(row.in_batches))


_STATE = text(
    """
    SELECT count(*) FILTER (WHERE status = 'queued' AND execute_after <= now()) AS waiting,
           count(*) FILTER (WHERE status = 'picked') AS running,
           coalesce(extract(epoch FROM now() - min(execute_after)
               FILTER (WHERE status = 'queued' AND execute_after <= now())), 0) AS oldest,
           (SELECT count(*) FROM jobs WHERE status = 'pending' AND ticket IS NOT NULL) AS in_batches
    FROM pgqueuer WHERE entrypoint = :entrypoint
    """
)
