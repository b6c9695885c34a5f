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
from app.queue_names import Queue

ENTRYPOINT = Queue.TEXTS

PATIENCE_SECONDS = MappingProxyType(
    {Priority.SPEED: 0, Priority.BALANCED: 30, Priority.QUALITY: 60, Priority.COST: 300}
)

_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)


class QueueFull(Exception):
    """So many jobs wait that no more are taken."""


@dataclass(frozen=True)
class Depth:
    """State of a queue: jobs that could begin, jobs that run, age of the oldest, in seconds."""

    waiting: int
    running: int
    oldest_seconds: float


@dataclass(frozen=True)
class QueueState(Depth):
    """State of content generation's queue, with the number of texts that batches will bring."""

    in_batches: int


def rank(priority: Priority, accepted: datetime) -> int:
    """pgqueuer takes the highest rank first: later deadlines rank lower. Seconds, so 32 bits last until 2093."""
    return -int((accepted - _EPOCH).total_seconds() + PATIENCE_SECONDS[priority])


def queries(connection: asyncpg.Connection) -> Queries:
    """pgqueuer's statements on one connection."""
    return Queries(AsyncpgDriver(connection))


async def enqueue(connection: AsyncConnection, jobs: Sequence[tuple[JobId, Priority]], queue: str = ENTRYPOINT) -> None:
    """Put jobs into a queue inside the open transaction; one that is queued already is left alone."""
    payloads: list[bytes | None] = [str(job).encode() for job, _ in jobs]
    keys: list[str | None] = [place(job, queue) for job, _ in jobs]
    await queries(await driver(connection)).enqueue(
        [queue] * len(jobs),
        payloads,
        [rank(priority, job.created_at) for job, priority in jobs],
        dedupe_key=keys,
        on_conflict="skip",
    )


def place(job: JobId, queue: str = ENTRYPOINT) -> str:
    """Name of a job's one place in a queue."""
    return str(job) if queue == ENTRYPOINT else f"{queue}:{job}"


async def withdraw(connection: AsyncConnection, job: JobId, queue: str = ENTRYPOINT) -> None:
    """Take a cancelled job out of a queue and notify the worker that may be running it."""
    raw = await driver(connection)
    rows = await raw.fetch("SELECT id FROM pgqueuer WHERE dedupe_key = $1", place(job, queue))
    if rows:
        await queries(raw).mark_job_as_cancelled([row["id"] for row in rows])


async def state(connection: AsyncConnection) -> QueueState:
    """Figures for metrics and for the administrator."""
    now = await depth(connection, ENTRYPOINT)
    in_batches = (await connection.execute(_IN_BATCHES)).scalar_one()
    return QueueState(**vars(now), in_batches=int(in_batches))


async def depth(connection: AsyncConnection, queue: str) -> Depth:
    """State of any queue."""
    row = (await connection.execute(_DEPTH, {"entrypoint": queue})).one()
    return Depth(int(row.waiting), int(row.running), float(row.oldest))


ROOM = """
    SELECT :room_limit - count(*) FROM (
        SELECT FROM pgqueuer WHERE entrypoint = :room_queue AND status = 'queued' AND execute_after <= now()
        LIMIT :room_limit
    ) AS waiting
"""
"""SQL: number of jobs that a queue has room for, where ``:room_limit`` may wait in ``:room_queue``; never negative."""
_IN_BATCHES = text("SELECT count(*) FROM jobs WHERE status = 'pending' AND ticket IS NOT NULL")
_DEPTH = text(
    """
    SELECT count(*) FILTER (WHERE status = 'queued' AND execute_after <= now()) AS waiting,
           count(*) FILTER (WHERE status = 'picked') AS running,
           coalesce(extract(epoch FROM now() - min(execute_after)
               FILTER (WHERE status = 'queued' AND execute_after <= now())), 0) AS oldest
    FROM pgqueuer WHERE entrypoint = :entrypoint
    """
)
