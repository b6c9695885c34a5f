"""Taking jobs from one queue of any product, each run to its end, with one visible result.

A job runs at least once and its result becomes visible at most once: the queue hands a job out again when a worker's
heartbeat stops, and the attempt number keeps the slower one from writing. A failure of a store or a provider uses up no
attempt, and while a helper of every job is away no job is taken (C03).
"""

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Generic, Protocol, TypeVar

import structlog
from pgqueuer.core.qm import QueueManager
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Context
from pgqueuer.models import Job as QueuedJob
from pgqueuer.queries import Queries

from app.core_services import CoreServices
from app.database import DatabaseUnavailable, queue_pool
from app.failures import pause_seconds
from app.ids import JobId
from app.job import Claim
from app.job_database import JobDatabase
from app.queue_manager import Manager
from app.settings import Settings
from app.supervision import Loop
from app.switches import EVERY_SECONDS
from app.telemetry.metrics import CONTENT_ERRORS, CONTENT_REQUESTS, DEGRADED, QUEUE_WAIT
from app.writers.base import WriterError

_LOG = structlog.get_logger("app.worker")
RECONNECT_SECONDS = 1.0
# New jobs are announced; a postponed one is not, so it waits this much longer than its pause at most.
LOOK_EVERY = timedelta(seconds=1)
# Jobs that are taken before there is room for them, for each that runs: the next one begins while the last is stored.
AHEAD = 0.5
AT_ONCE = timedelta(0)


class Attempted(Protocol):
    """A job whose attempt is under way."""

    @property
    def id(self) -> JobId:
        """Its id."""
        ...

    @property
    def attempt(self) -> int:
        """Number of the attempt, which is the fencing token of its result."""
        ...

    @property
    def waits(self) -> int:
        """Times that it was put off through no fault of its own."""
        ...

    @property
    def created_at(self) -> datetime:
        """Moment of its acceptance."""
        ...

    @property
    def expires_at(self) -> datetime:
        """Moment after which a job that has not begun never will."""
        ...


class Attempts(Protocol):
    """Ends of an attempt that brings no result; each is False when the attempt is no longer in force."""

    async def fail(self, job: JobId, attempt: int, kind: str) -> bool:
        """The last attempt failed."""
        ...

    async def postpone(self, job: JobId, attempt: int, kind: str) -> bool:
        """Another attempt later."""
        ...

    async def give_back(self, job: JobId, attempt: int) -> bool:
        """The worker stops; nothing happened to the job."""
        ...


Taken = TypeVar("Taken", bound=Attempted)
Result = TypeVar("Result")


class Consumer(ABC, Generic[Taken, Result]):
    """Takes the jobs of one queue in one process. A product says what a job is, what is done, and where it is kept."""

    _ahead: ClassVar[float] = AHEAD

    def __init__(self, core: CoreServices, settings: Settings, queue: str) -> None:
        self._core = core
        self._settings = settings
        self._queue = queue
        self._database = JobDatabase(settings)
        self._stopping = asyncio.Event()
        self._manager: QueueManager | None = None
        self._room = asyncio.Semaphore(settings.worker_concurrency)
        self._helpers_gone = "the helpers of every job are away, no jobs are taken"
        self.up, self.down = asyncio.Event(), asyncio.Event()
        """Set while the helpers of every job (im) are there, and while they are away."""
        self.up.set()

    @property
    @abstractmethod
    def _attempts(self) -> Attempts:
        """The store of the queue's jobs."""

    @abstractmethod
    async def _claim(self, job: JobId) -> tuple[Claim, Taken | None]:
        """Begin the next attempt. Raises DatabaseUnavailable."""

    @abstractmethod
    async def _work(self, job: Taken) -> Result | None:
        """Do it; None when the result is not wanted any more. Raises WriterError when the attempt failed."""

    @abstractmethod
    async def _keep(self, job: Taken, result: Result, seconds: float) -> bool:
        """Store the result of so many seconds' work; False when the attempt is no longer in force."""

    def _loops(self) -> Mapping[str, Loop]:
        """Background tasks of the product while jobs are taken."""
        return {}

    async def _close(self) -> None:
        """Give back what the product holds."""

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work for the duration of the block; at its end jobs in flight finish within the grace time or go back."""
        loops = {**self._loops(), "limit": self._follow_limit, "helpers": self._follow_helpers}
        async with self._core.supervisor.background(**loops):
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
                await self._close()
                await self._database.close()

    async def _consume(self) -> None:
        while not self._stopping.is_set():
            try:
                if self.up.is_set():
                    await self._consume_once()
                else:
                    await self._pause(self.up)
            except Exception as error:  # noqa: BLE001  whatever ends the taking of jobs, taking must begin again
                DEGRADED.labels("queue").inc()
                _LOG.warning("queue lost, reconnecting", error_type=type(error).__name__, exc_info=error)
                await self._pause(self._stopping)

    def _stop_taking(self) -> None:
        if self._manager:
            self._manager.shutdown.set()

    async def _follow_limit(self) -> None:
        """Take up a new limit of the queue (D02): the manager ends its jobs and another begins with the new one."""
        used = self._core.switchboard.now.workers_of(self._queue)
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            wanted = self._core.switchboard.now.workers_of(self._queue)
            if wanted != used:
                used = wanted
                self._stop_taking()

    async def _follow_helpers(self) -> None:
        """Take no jobs while the helpers of every job are away."""
        while True:
            await self.down.wait()
            _LOG.warning(self._helpers_gone)
            self._stop_taking()
            await self.up.wait()

    async def _consume_once(self) -> None:
        pool = await queue_pool(self._settings)
        most = math.ceil(self._settings.worker_concurrency * (1 + self._ahead))
        try:
            manager = Manager(Queries(AsyncpgPoolDriver(pool)), most)
            workers = self._core.switchboard.now.workers_of(self._queue)
            manager.entrypoint(self._queue, accepts_context=True, concurrency_limit=workers)(self._handle)
            self._manager = manager
            if self._stopping.is_set() or self.down.is_set():
                return
            await manager.run(
                dequeue_timeout=LOOK_EVERY,
                # The queue hears of a job's end when so many have ended, and then announces that there is room: at
                # once with one, so that a full worker takes its next job without waiting for a round of looking.
                batch_size=1,
                max_concurrent_tasks=max(most, 2),
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
        outcome: Result | WriterError | None = None
        began = asyncio.get_running_loop().time()
        async with self._room:
            if self._stopping.is_set() or self.down.is_set():
                raise RetryRequested(AT_ONCE, "not begun")
            claim, job = await self._claim(job_id)
            if claim is not Claim.RUN or job is None:
                if claim is not Claim.DONE:
                    CONTENT_REQUESTS.labels(claim.value).inc()
                    _LOG.warning("job ended without a result", outcome=claim.value)
                return
            with context.cancellation:
                outcome = await self._obtain(job)
        # What there is now was paid for, so that nothing cancels the storing of it; and the next job has its place.
        storing = asyncio.create_task(self._end(job, outcome, asyncio.get_running_loop().time() - began))
        try:
            await asyncio.shield(storing)
        except asyncio.CancelledError:
            await storing

    async def _obtain(self, job: Taken) -> Result | WriterError | None:
        """The result, or why it does not come; None when it is not wanted any more."""
        if job.attempt == 1 and not job.waits:
            QUEUE_WAIT.observe(max(0.0, (datetime.now(UTC) - job.created_at).total_seconds()))
        try:
            return await self._work(job)
        except WriterError as error:
            return error
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(job))
            raise

    async def _end(self, job: Taken, outcome: Result | WriterError | None, seconds: float) -> None:
        if isinstance(outcome, WriterError):
            await self._failed(job, outcome)
        elif outcome is None or not await self._keep(job, outcome, seconds):
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
            async with asyncio.timeout(RECONNECT_SECONDS):
                await until.wait()

    async def _failed(self, job: Taken, error: WriterError) -> None:
        """Fail the job, or let it wait: for its own backoff, or for as long as the provider asked (app.failures)."""
        CONTENT_ERRORS.labels(error.kind).inc()
        counted = error.failure.counted
        last = error.final or (counted and job.attempt >= self._settings.job_max_attempts)
        _LOG.warning("attempt failed", attempt=job.attempt, last=last, error_type=error.kind, error=str(error))
        if last:
            if await self._insist(lambda: self._attempts.fail(job.id, job.attempt, error.kind)):
                CONTENT_REQUESTS.labels("error").inc()
            return
        now, base = datetime.now(UTC), self._settings.job_retry_base_seconds
        pause = pause_seconds(error.kind, job.attempt - 1 if counted else job.waits, base, now)
        # It is looked at once more when it expires, so that it ends then.
        left = max(base, (job.expires_at - now).total_seconds() + LOOK_EVERY.total_seconds())
        if await self._insist(lambda: self._attempts.postpone(job.id, job.attempt, error.kind)):
            pause = min(max(pause, error.retry_after or 0.0), left)
            raise RetryRequested(timedelta(seconds=pause), error.kind)

    async def _give_back(self, job: Taken) -> None:
        """The process stops: the attempt was not the job's fault and does not count."""
        try:
            await self._attempts.give_back(job.id, job.attempt)
        except DatabaseUnavailable:
            _LOG.warning("job not given back; its lease will end by itself")
