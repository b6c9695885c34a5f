"""The worker: takes jobs from the queue, has them written, and stores the checked result, exactly once each.

A job runs at least once and its result becomes visible at most once: the queue hands a job out again when a worker's
heartbeat stops, and the attempt number keeps the slower one from writing. A failure of a store or a provider uses up no
attempt, and without a writer no job is taken (C03).
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import structlog
from pgqueuer.core.qm import QueueManager
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.models import Context, HealthCheckEvent
from pgqueuer.models import Job as QueuedJob
from pgqueuer.queries import Queries

from app.database import DatabaseUnavailable, queue_pool
from app.domain import Draft, Waiting
from app.failures import pause_seconds
from app.ids import JobId
from app.job import Claim, Job
from app.job_database import JobDatabase
from app.jobs import JobStore
from app.queue import ENTRYPOINT
from app.services import Services
from app.sweeper import sweep_regularly
from app.switches import EVERY_SECONDS
from app.telemetry.metrics import CONTENT_ERRORS, CONTENT_REQUESTS, CONTENT_SECONDS, DEGRADED, QUEUE_WAIT
from app.texts import Overtaken, Texts
from app.writers.base import WriterError
from app.writers.desk import Desk
from app.writing import FromDesk, FromIm, Writing

_LOG = structlog.get_logger("app.worker")
RECONNECT_SECONDS = 1.0
# New jobs are announced; a postponed one is not, so it waits this much longer than its pause at most.
LOOK_EVERY = timedelta(seconds=1)
PROBE_TIME = timedelta(seconds=2)
# Jobs that are taken before there is room for them, for each that runs: the next one begins while the last is stored.
AHEAD = 0.5
AT_ONCE = timedelta(0)


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
        """All that there is room for in one statement; the statement itself keeps to the room."""
        return super().fetch_jobs(self._most, global_concurrency_limit, heartbeat_timeout)

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


class Worker:
    """Takes jobs in one process; with a ``desk`` it writes them itself, else im does."""

    def __init__(self, services: Services, desk: Desk | None = None) -> None:
        self._services = services
        self._settings = services.settings
        self._database = JobDatabase(services.settings)
        self._jobs = JobStore(self._database, services.lists, services.settings.job_max_attempts)
        self._stopping = asyncio.Event()
        self._manager: QueueManager | None = None
        self._room = asyncio.Semaphore(self._settings.worker_concurrency)
        self._writing: Writing = FromIm(self._settings) if desk is None else FromDesk(desk, self._settings)
        self._texts = Texts(self._writing, self._jobs, self._settings)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work for the duration of the block; at its end jobs in flight finish within the grace time or go back."""
        loops = {
            **self._writing.loops(),
            "sweep": lambda: sweep_regularly(self._services),
            "limit": self._follow_limit,
            "writers": self._follow_writers,
        }
        async with self._services.supervisor.background(**loops):
            consuming = asyncio.create_task(self._consume())
            try:
                yield
            finally:
                self._stopping.set()
                self._stop_taking()
                done, _ = await asyncio.wait({consuming}, timeout=max(1, self._settings.grace_seconds - 5))
                if not done:
                    consuming.cancel()
                await asyncio.gather(consuming, return_exceptions=True)
                await self._writing.close()
                await self._database.close()

    async def _consume(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._writing.up.is_set():
                    await self._consume_once()
                else:
                    await self._pause(self._writing.up)
            except Exception as error:  # noqa: BLE001  whatever ends the taking of jobs, taking must begin again
                DEGRADED.labels("queue").inc()
                _LOG.warning("queue lost, reconnecting", error_type=type(error).__name__, exc_info=error)
                await self._pause(self._stopping)

    def _stop_taking(self) -> None:
        if self._manager:
            self._manager.shutdown.set()

    async def _follow_limit(self) -> None:
        """Take up a new limit of the queue (D02): the manager ends its jobs and another begins with the new one."""
        used = self._services.switchboard.now.queue_workers
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            wanted = self._services.switchboard.now.queue_workers
            if wanted != used:
                used = wanted
                self._stop_taking()

    async def _follow_writers(self) -> None:
        """Take no jobs while no writer is there."""
        while True:
            await self._writing.down.wait()
            _LOG.warning("no im is there, no jobs are taken")
            self._stop_taking()
            await self._writing.up.wait()

    async def _consume_once(self) -> None:
        pool = await queue_pool(self._settings)
        most = math.ceil(self._settings.worker_concurrency * (1 + AHEAD))
        try:
            manager = Manager(Queries(AsyncpgPoolDriver(pool)), most)
            workers = self._services.switchboard.now.queue_workers
            manager.entrypoint(ENTRYPOINT, accepts_context=True, concurrency_limit=workers)(self._handle)
            self._manager = manager
            if self._stopping.is_set() or self._writing.down.is_set():
                return
            await manager.run(
                dequeue_timeout=LOOK_EVERY,
                # The queue hears of a job's end when so many have ended, and then announces that there is room: at
                # once with one, so that a full worker takes its next job without waiting for a round of looking.
                batch_size=1,
                max_concurrent_tasks=most,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=timedelta(seconds=self._settings.job_lease_seconds),
            )
        finally:
            self._manager = None
            pool.terminate()

    async def _handle(self, queued: QueuedJob, context: Context) -> None:
        job_id = JobId.parse((queued.payload or b"").decode())
        with structlog.contextvars.bound_contextvars(job_id=str(job_id)):
            try:
                await self._run(job_id, context)
            except DatabaseUnavailable as error:
                _LOG.warning("job goes back to the queue", error=str(error))
                raise RetryRequested(timedelta(seconds=RECONNECT_SECONDS), "database") from error
            except asyncio.CancelledError:
                # The process stops. Cancelled, the queue would forget the job.
                raise RetryRequested(AT_ONCE, "stopped") from None

    async def _run(self, job_id: JobId, context: Context) -> None:
        outcome: Draft | Waiting | WriterError | None = None
        began = asyncio.get_running_loop().time()
        async with self._room:
            if self._stopping.is_set() or self._writing.down.is_set():
                raise RetryRequested(AT_ONCE, "not begun")
            claim, job = await self._jobs.claim(job_id)
            if claim is not Claim.RUN or job is None:
                if claim is not Claim.DONE:
                    CONTENT_REQUESTS.labels(claim.value).inc()
                    _LOG.warning("job ended without a text", outcome=claim.value)
                return
            with context.cancellation:
                outcome = await self._obtain(job)
        # What there is now was paid for, so that nothing cancels the storing of it; and the next job has its place.
        storing = asyncio.create_task(self._end(job, outcome, asyncio.get_running_loop().time() - began))
        try:
            await asyncio.shield(storing)
        except asyncio.CancelledError:
            await storing

    async def _obtain(self, job: Job) -> Draft | Waiting | WriterError | None:
        """The text, where it will be, or why it does not come; None when it is not wanted any more."""
        if job.attempt == 1 and not job.waits:
            QUEUE_WAIT.observe(max(0.0, (datetime.now(UTC) - job.created_at).total_seconds()))
        try:
            return await self._texts.obtain(job)
        except WriterError as error:
            return error
        except Overtaken:
            return None
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(job))
            raise

    async def _end(self, job: Job, outcome: Draft | Waiting | WriterError | None, seconds: float) -> None:
        if isinstance(outcome, WriterError):
            await self._failed(job, outcome)
        elif isinstance(outcome, Waiting):
            await self._wait(job, outcome)
        elif outcome is not None and await self._insist(lambda: self._jobs.complete(job.id, job.attempt, outcome)):
            CONTENT_REQUESTS.labels("success").inc()
            CONTENT_SECONDS.labels(job.assignment.content_type.value).observe(seconds)
            _LOG.info("job completed", attempt=job.attempt, duration_ms=round(seconds * 1000, 1), model=outcome.model)
        else:
            self._dropped(job)

    async def _wait(self, job: Job, waiting: Waiting) -> None:
        if not await self._insist(lambda: self._jobs.wait(job.id, job.attempt, waiting)):
            self._dropped(job)
            return
        _LOG.info("text waits for a batch", provider=waiting.ticket.provider, batch=waiting.ticket.batch)
        raise RetryRequested(timedelta(seconds=waiting.again_seconds), "batch")

    def _dropped(self, job: Job) -> None:
        _LOG.warning("result dropped: the job was cancelled or is another worker's now", attempt=job.attempt)

    async def _insist(self, change: Callable[[], Awaitable[bool]]) -> bool:
        """Repeat the write of an attempt's result until the database takes it; the attempt number makes this safe."""
        while True:
            try:
                return await change()
            except DatabaseUnavailable:
                if self._stopping.is_set():
                    raise
                await self._pause(self._stopping)

    async def _pause(self, until: asyncio.Event) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(until.wait(), RECONNECT_SECONDS)

    async def _failed(self, job: Job, error: WriterError) -> None:
        """Fail the job, or let it wait: for its own backoff, or for as long as the provider asked (app.failures)."""
        CONTENT_ERRORS.labels(error.kind).inc()
        counted = error.failure.counted
        last = error.final or (counted and job.attempt >= self._settings.job_max_attempts)
        _LOG.warning("attempt failed", attempt=job.attempt, last=last, error_type=error.kind, error=str(error))
        if last:
            if await self._insist(lambda: self._jobs.fail(job.id, job.attempt, error.kind)):
                CONTENT_REQUESTS.labels("error").inc()
            return
        now, base = datetime.now(UTC), self._settings.job_retry_base_seconds
        pause = pause_seconds(error.kind, job.attempt - 1 if counted else job.waits, base, now)
        # It is looked at once more when it expires, so that it ends then.
        left = max(base, (job.expires_at - now).total_seconds() + LOOK_EVERY.total_seconds())
        if await self._insist(lambda: self._jobs.postpone(job.id, job.attempt, error.kind)):
            pause = min(max(pause, error.retry_after or 0.0), left)
            raise RetryRequested(timedelta(seconds=pause), error.kind)

    async def _give_back(self, job: Job) -> None:
        """The process stops: the attempt was not the job's fault and does not count."""
        try:
            await self._jobs.give_back(job.id, job.attempt)
        except DatabaseUnavailable:
            _LOG.warning("job not given back; its lease will end by itself")
