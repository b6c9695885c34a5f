"""Gauges that no request sets: read every few seconds by a task of the process.

What is the same for the whole region (queue, stores, partitions) is read by one elected process; the others show zero,
and queries take the largest.
"""

import asyncio
import time

import structlog
from sqlalchemy import text

from app.database import DatabaseUnavailable
from app.lease import RENEW_SECONDS, Duty, Lease
from app.partitions import DEFAULT
from app.queue import QueueState, state
from app.services import Services
from app.telemetry import costs, stores
from app.telemetry.metrics import (
    ACTIVE_JOBS,
    BATCH_WAITING,
    DATABASE_CONNECTIONS,
    DEFAULT_PARTITION,
    QUEUE_AGE,
    QUEUE_SIZE,
    ProcessFigures,
)

_LOG = structlog.get_logger("app.figures")
_STRAYED = text(f"SELECT count(*) FROM (SELECT FROM {DEFAULT} LIMIT 1000) AS strayed")  # noqa: S608
NOTHING = QueueState(waiting=0, running=0, oldest_seconds=0.0, in_batches=0)


async def keep_figures(services: Services) -> None:
    """Update the gauges until cancelled; without a store its own keep their last values."""
    own, lease = ProcessFigures(), Lease(services.database, Duty.FIGURES, services.settings.instance_id)
    costs_due = 0.0
    while True:
        own.update()
        DATABASE_CONNECTIONS.set(services.database.connections_in_use)
        try:
            if await lease.held():
                await _read(services)
                if time.monotonic() >= costs_due:
                    await _read_costs(services)
                    costs_due = time.monotonic() + costs.EVERY_SECONDS
            else:
                _show(NOTHING, strayed=0)
                stores.forget()
                costs.show(None)
                costs_due = 0.0
        except DatabaseUnavailable as error:
            _LOG.warning("figures are stale", error=str(error))
        await asyncio.sleep(RENEW_SECONDS)


async def _read(services: Services) -> None:
    await stores.read_redis(services.redis, "cache")
    await stores.read_redis(services.counters, "queue")
    async with services.database.read(fresh=True) as connection:
        _show(await state(connection), strayed=(await connection.execute(_STRAYED)).scalar_one())
        await stores.read_database(connection)


async def _read_costs(services: Services) -> None:
    async with services.database.read() as connection:
        found = await costs.spent(connection, services.watch.moment())
    costs.show(found)
    await costs.warn(services.database, found)


def _show(queue: QueueState, strayed: int) -> None:
    QUEUE_SIZE.set(queue.waiting)
    ACTIVE_JOBS.set(queue.running)
    QUEUE_AGE.set(queue.oldest_seconds)
    BATCH_WAITING.set(queue.in_batches)
    DEFAULT_PARTITION.set(strayed)
