"""pgqueuer's manager as our workers need it."""

from collections.abc import AsyncGenerator
from datetime import timedelta

from pgqueuer.core.qm import QueueManager
from pgqueuer.errors import FailingListenerError
from pgqueuer.models import HealthCheckEvent
from pgqueuer.models import Job as QueuedJob
from pgqueuer.queries import Queries

PROBE_TIME = timedelta(seconds=2)


class Manager(QueueManager):
    """pgqueuer's manager, except that one lost probe of its listener is forgiven, and that it rests while it is full.

    The first probe is sent before the connection listens, so it may be lost.
    """

    def __init__(self, queries: Queries, most: int) -> None:
        super().__init__(queries)
        self._most = most

    def fetch_jobs(
        self, batch_size: int, global_concurrency_limit: int | None, heartbeat_timeout: timedelta
    ) -> AsyncGenerator[QueuedJob, None]:
        """All that there is room for in one statement, which itself keeps to the room; that may be for one job, where
        pgqueuer's own limit begins with two.
        """
        return super().fetch_jobs(self._most, self._most, heartbeat_timeout)

    async def _effective_dequeue_timeout(self, dequeue_timeout: timedelta) -> timedelta:
        """Ten polls a second are useless while there is no room; the end of an own job is announced."""
        full = len(self.job_context) >= self._most
        return dequeue_timeout if full else await super()._effective_dequeue_timeout(dequeue_timeout)

    async def listener_healthy(self, timeout: timedelta = PROBE_TIME) -> HealthCheckEvent:  # noqa: ASYNC109  its name
        """Raises FailingListenerError when a second probe is lost too."""
        try:
            return await super().listener_healthy(PROBE_TIME)
        except FailingListenerError:
            return await super().listener_healthy(timeout)
