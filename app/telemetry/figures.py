"""Figures of content generation's region beside the stores': the queue, partitions, and what generation costs."""

import time

from sqlalchemy import text

from app.partitions import DEFAULT
from app.queue import QueueState, state
from app.services import Services
from app.telemetry import costs
from app.telemetry.metrics import ACTIVE_JOBS, BATCH_WAITING, DEFAULT_PARTITION, QUEUE_AGE, QUEUE_SIZE
from app.telemetry.region_figures import RegionFigures

_STRAYED = text(f"SELECT count(*) FROM (SELECT FROM {DEFAULT} LIMIT 1000) AS strayed")  # noqa: S608
NOTHING = QueueState(waiting=0, running=0, oldest_seconds=0.0, in_batches=0)


class ContentFigures(RegionFigures):
    """Queue, partitions and costs, with the stores."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._services = services
        self._costs_due = 0.0

    async def read(self) -> None:
        """Set the gauges, those of costs now and then. Raises DatabaseUnavailable."""
        await super().read()
        async with self._services.database.read(fresh=True) as connection:
            _show(await state(connection), strayed=(await connection.execute(_STRAYED)).scalar_one())
        if time.monotonic() >= self._costs_due:
            await self._read_costs()
            self._costs_due = time.monotonic() + costs.EVERY_SECONDS

    def forget(self) -> None:
        """Show zero: another process reads them."""
        super().forget()
        _show(NOTHING, strayed=0)
        costs.show(None)
        self._costs_due = 0.0

    async def _read_costs(self) -> None:
        async with self._services.database.read() as connection:
            found = await costs.spent(connection, self._services.watch.moment())
        costs.show(found)
        await costs.warn(self._services.database, found)


def _show(queue: QueueState, strayed: int) -> None:
    QUEUE_SIZE.set(queue.waiting)
    ACTIVE_JOBS.set(queue.running)
    QUEUE_AGE.set(queue.oldest_seconds)
    BATCH_WAITING.set(queue.in_batches)
    DEFAULT_PARTITION.set(strayed)
