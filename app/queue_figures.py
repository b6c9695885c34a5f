"""Figures of a product's queues, read by one elected process of the product."""

from collections.abc import Collection

from prometheus_client import Gauge

from app.core_services import CoreServices
from app.queue import Depth, depth
from app.queue_names import Queue
from app.telemetry.metrics import ACTIVE_JOBS, QUEUE_AGE, QUEUE_SIZE
from app.telemetry.region_figures import RegionFigures

WAITING = Gauge("queue_waiting_jobs", "Jobs of one queue that wait.", ("queue",), multiprocess_mode="livemax")
RUNNING = Gauge("queue_running_jobs", "Jobs of one queue being worked on.", ("queue",), multiprocess_mode="livemax")
NOTHING = Depth(0, 0, 0.0)


class QueueFigures(RegionFigures):
    """Depth of each queue, with the stores."""

    def __init__(self, core: CoreServices, queues: Collection[Queue] = tuple(Queue)) -> None:
        super().__init__(core)
        self._own = core
        self._queues = queues

    async def read(self) -> None:
        """Set the gauges. Raises DatabaseUnavailable."""
        await super().read()
        async with self._own.database.read(fresh=True) as connection:
            _show({queue: await depth(connection, queue) for queue in self._queues})

    def forget(self) -> None:
        """Show zero: another process reads them."""
        super().forget()
        _show(dict.fromkeys(self._queues, NOTHING))


def _show(found: dict[Queue, Depth]) -> None:
    for queue, now in found.items():
        WAITING.labels(queue.value).set(now.waiting)
        RUNNING.labels(queue.value).set(now.running)
    QUEUE_SIZE.set(sum(now.waiting for now in found.values()))
    ACTIVE_JOBS.set(sum(now.running for now in found.values()))
    QUEUE_AGE.set(max(now.oldest_seconds for now in found.values()))
