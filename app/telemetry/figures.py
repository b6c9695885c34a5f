"""The gauges that nobody sets in passing: read every few seconds by a task of the process."""

import asyncio

import structlog

from app.database import DatabaseUnavailable
from app.queue import state
from app.services import Services
from app.telemetry import stores
from app.telemetry.metrics import (
    ACTIVE_JOBS,
    BATCH_WAITING,
    DATABASE_CONNECTIONS,
    QUEUE_AGE,
    QUEUE_SIZE,
    ProcessFigures,
)

EVERY_SECONDS = 5.0
_LOG = structlog.get_logger("app.figures")


async def keep_figures(services: Services) -> None:
    """Update the gauges until cancelled; without a store its own keep their last values."""
    own = ProcessFigures()
    while True:
        own.update()
        DATABASE_CONNECTIONS.set(services.database.connections_in_use)
        try:
            async with services.database.read(fresh=True) as connection:
                queue = await state(connection)
                await stores.read_database(connection)
            QUEUE_SIZE.set(queue.waiting)
            ACTIVE_JOBS.set(queue.running)
            QUEUE_AGE.set(queue.oldest_seconds)
            BATCH_WAITING.set(queue.in_batches)
        except DatabaseUnavailable as error:
            _LOG.warning("queue figures are stale", error=str(error))
        await stores.read_redis(services.redis, "cache")
        await stores.read_redis(services.counters, "queue")
        await asyncio.sleep(EVERY_SECONDS)
