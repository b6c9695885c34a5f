"""The worker: takes jobs from the queue, has them written by im, and stores the checked result, exactly once each.

A job runs at least once and its result becomes visible at most once: the queue hands a job out again when a worker's
heartbeat stops, and the attempt number keeps the slower one from writing.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import httpx
import structlog
from pgqueuer.core.qm import QueueManager
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.models import Context, HealthCheckEvent
from pgqueuer.models import Job as QueuedJob
from pgqueuer.queries import Queries

from app.database import DatabaseUnavailable, queue_pool
from app.domain import Draft, Waiting
from app.ids import JobId
from app.jobs import Claim, Failure, Job
from app.peers import ImClient, Peers
from app.queue import ENTRYPOINT
from app.services import Services
from app.sweeper import sweep_regularly
from app.switches import EVERY_SECONDS
from app.telemetry.metrics import (
    CONTENT_ERRORS,
    CONTENT_REQUESTS,
    CONTENT_SECONDS,
    COST,
    DEGRADED,
    QUEUE_WAIT,
    TOKENS,
)
from app.texts import Overtaken, Texts
from app.writers.base import WriterError

_LOG = structlog.get_logger("app.worker")
RECONNECT_SECONDS = 1.0
# New jobs are announced; a postponed one is not, so it waits this much longer than its pause at most.
LOOK_EVERY = timedelta(seconds=1)
LONGEST_BACKOFF_SECONDS = 300.0
PROBE_TIME = timedelta(seconds=2)


class Manager(QueueManager):
    """pgqueuer's manager, except that one lost probe of its listener is forgiven, and that it rests while it is full.

    The first probe is sent before the connection listens, so whether it is heard is a matter of luck.
    """

    def __init__(self, queries: Queries, most: int) -> None:
        super().__init__(queries)
        self._most = most

    async def _effective_dequeue_timeout(self, dequeue_timeout: timedelta) -> timedelta:
        """Ten looks a second while jobs wait help nobody who has no room; the end of an own job is announced."""
        full = len(self.job_context) >= self._most
        return dequeue_timeout if full else await super()._effective_dequeue_timeout(dequeue_timeout)

    async def listener_healthy(self, timeout: timedelta = PROBE_TIME) -> HealthCheckEvent:  # noqa: ASYNC109  its name
        """Raises FailingListenerError when a second probe is not heard either."""
        try:
            return await super().listener_healthy(PROBE_TIME)
        except FailingListenerError:
            return await super().listener_healthy(timeout)


class Worker:
    """One worker process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings
        self._stopping = asyncio.Event()
        self._manager: QueueManager | None = None
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(self._settings.llm_timeout_seconds + 10, connect=3))
        self._peers = Peers(self._settings.im_url, self._client)
        im = ImClient(self._peers, self._client)
        self._texts = Texts(im, services.jobs, services.switchboard, self._settings)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work for the duration of the block; at its end jobs in flight finish within the grace time or go back."""
        async with self._services.supervisor.background(
            peers=self._peers.watch, sweep=lambda: sweep_regularly(self._services), limit=self._follow_limit
        ):
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
                await self._client.aclose()

    async def _consume(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._consume_once()
            except Exception as error:  # noqa: BLE001  whatever ends the taking of jobs, taking must begin again
                DEGRADED.labels("queue").inc()
                _LOG.warning("queue lost, reconnecting", error_type=type(error).__name__, exc_info=error)
                await self._pause()

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

    async def _consume_once(self) -> None:
        pool = await queue_pool(self._settings)
        try:
            manager = Manager(Queries(AsyncpgPoolDriver(pool)), self._settings.worker_concurrency)
            workers = self._services.switchboard.now.queue_workers
            manager.entrypoint(ENTRYPOINT, accepts_context=True, concurrency_limit=workers)(self._handle)
            self._manager = manager
            await manager.run(
                dequeue_timeout=LOOK_EVERY,
                # The queue hears of a job's end when so many have ended, and then announces that there is room: at
                # once with one, so that a full worker takes its next job without waiting for a round of looking.
                batch_size=1,
                max_concurrent_tasks=self._settings.worker_concurrency,
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
                claim, job = await self._services.jobs.claim(job_id)
                if claim is Claim.RUN and job is not None:
                    with context.cancellation:
                        await self._attempt(job)
                elif claim is not Claim.DONE:
                    CONTENT_REQUESTS.labels(claim.value).inc()
                    _LOG.warning("job ended without a text", outcome=claim.value)
            except DatabaseUnavailable as error:
                _LOG.warning("job goes back to the queue", error=str(error))
                raise RetryRequested(timedelta(seconds=RECONNECT_SECONDS), "database") from error

    async def _attempt(self, job: Job) -> None:
        if job.attempt == 1:
            QUEUE_WAIT.observe(max(0.0, (datetime.now(UTC) - job.created_at).total_seconds()))
        began = asyncio.get_running_loop().time()
        try:
            outcome = await self._texts.obtain(job)
        except WriterError as error:
            await self._failed(job, error)
        except Overtaken:
            self._dropped(job)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(job))
            raise
        else:
            if isinstance(outcome, Waiting):
                await self._wait(job, outcome)
            elif await self._store(job, outcome):
                self._count(job, outcome, asyncio.get_running_loop().time() - began)
            else:
                self._dropped(job)

    async def _wait(self, job: Job, waiting: Waiting) -> None:
        if not await self._services.jobs.wait(job.id, job.attempt, waiting):
            self._dropped(job)
            return
        _LOG.info("text waits for a batch", provider=waiting.ticket.provider, batch=waiting.ticket.batch)
        raise RetryRequested(timedelta(seconds=waiting.again_seconds), "batch")

    def _dropped(self, job: Job) -> None:
        _LOG.warning("result dropped: the job was cancelled or is another worker's now", attempt=job.attempt)

    async def _store(self, job: Job, draft: Draft) -> bool:
        """A text that was paid for is kept until the database takes it; the attempt number makes waiting safe."""
        while True:
            try:
                return await self._services.jobs.complete(job.id, job.attempt, draft)
            except DatabaseUnavailable:
                if self._stopping.is_set():
                    raise
                await self._pause()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), RECONNECT_SECONDS)

    async def _failed(self, job: Job, error: WriterError) -> None:
        CONTENT_ERRORS.labels(error.kind).inc()
        failure = Failure(error.kind, str(error)[:1000])
        last = job.attempt >= self._settings.job_max_attempts or not error.retriable
        _LOG.warning("attempt failed", attempt=job.attempt, last=last, error_type=error.kind, error=failure.message)
        if last:
            if await self._services.jobs.fail(job.id, job.attempt, failure):
                CONTENT_REQUESTS.labels("error").inc()
            return
        if await self._services.jobs.postpone(job.id, job.attempt, failure):
            raise RetryRequested(timedelta(seconds=self._backoff(job.attempt)), error.kind)

    async def _give_back(self, job: Job) -> None:
        """The process stops: the attempt was not the job's fault and does not count."""
        try:
            await self._services.jobs.postpone(job.id, job.attempt, Failure("stopped", ""), counted=False)
        except DatabaseUnavailable:
            _LOG.warning("job not given back; its lease will end by itself")

    def _backoff(self, attempt: int) -> float:
        longest = min(LONGEST_BACKOFF_SECONDS, self._settings.job_retry_base_seconds * 2 ** (attempt - 1))
        return longest * random.uniform(0.5, 1.0)

    def _count(self, job: Job, draft: Draft, seconds: float) -> None:
        CONTENT_REQUESTS.labels("success").inc()
        CONTENT_SECONDS.labels(job.assignment.content_type.value).observe(seconds)
        TOKENS.labels(draft.model, "input").inc(draft.usage.input_tokens)
        TOKENS.labels(draft.model, "output").inc(draft.usage.output_tokens)
        COST.labels(draft.model).inc(draft.usage.cost_usd)
        _LOG.info("job completed", attempt=job.attempt, duration_ms=round(seconds * 1000, 1), model=draft.model)
