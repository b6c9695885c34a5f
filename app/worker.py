"""The worker of content generation: has jobs of the queue written, and stores the checked result (app.consumer)."""

from collections.abc import Mapping
from datetime import timedelta

import structlog
from pgqueuer.errors import RetryRequested

from app.consumer import Attempts, Consumer
from app.domain import Draft, Waiting
from app.ids import JobId
from app.job import Claim, Job
from app.jobs import JobStore
from app.queue import ENTRYPOINT
from app.services import Services
from app.supervision import Loop
from app.sweeper import sweep_regularly
from app.telemetry.metrics import CONTENT_REQUESTS, CONTENT_SECONDS
from app.texts import Overtaken, Texts
from app.writers.desk import Desk
from app.writing import FromDesk, FromIm, Writing

_LOG = structlog.get_logger("app.worker")


class Worker(Consumer[Job, Draft | Waiting]):
    """Takes jobs in one process; with a ``desk`` it writes them itself, else im does."""

    def __init__(self, services: Services, desk: Desk | None = None) -> None:
        super().__init__(services, services.settings, ENTRYPOINT)
        self._services = services
        self._jobs = JobStore(self._database, services.lists, services.settings.job_max_attempts)
        self._writing: Writing = FromIm(self._settings) if desk is None else FromDesk(desk, self._settings)
        self._texts = Texts(self._writing, self._jobs, self._settings)
        self._helpers_gone = "no im is there, no jobs are taken"
        self.up, self.down = self._writing.up, self._writing.down

    @property
    def _attempts(self) -> Attempts:
        return self._jobs

    async def _claim(self, job: JobId) -> tuple[Claim, Job | None]:
        return await self._jobs.claim(job)

    def _loops(self) -> Mapping[str, Loop]:
        return {**self._writing.loops(), "sweep": lambda: sweep_regularly(self._services)}

    async def _close(self) -> None:
        await self._writing.close()

    async def _work(self, job: Job) -> Draft | Waiting | None:
        try:
            return await self._texts.obtain(job)
        except Overtaken:
            return None

    async def _keep(self, job: Job, result: Draft | Waiting, seconds: float) -> bool:
        if isinstance(result, Waiting):
            return await self._wait(job, result)
        if not await self._insist(lambda: self._jobs.complete(job.id, job.attempt, result)):
            return False
        CONTENT_REQUESTS.labels("success").inc()
        CONTENT_SECONDS.labels(job.assignment.content_type.value).observe(seconds)
        _LOG.info("job completed", attempt=job.attempt, duration_ms=round(seconds * 1000, 1), model=result.model)
        return True

    async def _wait(self, job: Job, waiting: Waiting) -> bool:
        if not await self._insist(lambda: self._jobs.wait(job.id, job.attempt, waiting)):
            return False
        _LOG.info("text waits for a batch", provider=waiting.ticket.provider, batch=waiting.ticket.batch)
        raise RetryRequested(timedelta(seconds=waiting.again_seconds), "batch")
