"""Source of a job's text for a worker: im at once, or the batch in which im ordered it (D01)."""

import structlog

from app.domain import Draft, Waiting
from app.job import Job
from app.jobs import JobStore
from app.peers import ATTEMPT, CLIENT, JOB, NO_CACHE, RESPOND_LATER, ImClient
from app.settings import Settings
from app.writers.base import WriterError

_LOG = structlog.get_logger("app.texts")


class Overtaken(Exception):
    """The job was cancelled, or is another worker's now: its text is not wanted here any more."""


class Texts:
    """Gets the text of a job in one turn, or says how long to wait for it."""

    def __init__(self, im: ImClient, jobs: JobStore, settings: Settings) -> None:
        self._im = im
        self._jobs = jobs
        self._pause_seconds = settings.job_lease_seconds

    async def obtain(self, job: Job) -> Draft | Waiting:
        """Raises WriterError when the attempt failed, and Overtaken."""
        headers = _headers(job)
        if job.ticket is not None:
            collected = await self._collected(job, headers)
            if collected is not None:
                return collected
            if not await self._jobs.forget_ticket(job.id, job.attempt):
                raise Overtaken
        elif job.may_be_ordered:
            headers["Prefer"] = RESPOND_LATER
        return await self._im.write(job.assignment, headers)

    async def _collected(self, job: Job, headers: dict[str, str]) -> Draft | Waiting | None:
        """Collect a text from its batch. While the batch's state is unknown the job waits: its time limit was set when
        it was ordered.
        """
        assert job.ticket is not None
        try:
            outcome = await self._im.collect(job.assignment, job.ticket, headers)
        except WriterError as error:
            _LOG.warning("batch not asked, waiting on", batch=job.ticket.batch, error_type=error.kind, error=str(error))
            return Waiting(ticket=job.ticket, again_seconds=self._pause_seconds, left_seconds=0)
        if outcome is None:
            _LOG.warning(
                "text lost in its batch, asking directly", provider=job.ticket.provider, batch=job.ticket.batch
            )
        return outcome


def _headers(job: Job) -> dict[str, str]:
    headers = {
        "X-Request-ID": job.request_id or job.id.uuid.hex,
        JOB: str(job.id),
        ATTEMPT: str(job.attempt),
        CLIENT: job.client_id,
    }
    if job.trace_parent:
        headers["traceparent"] = job.trace_parent
    if job.fresh:
        headers["Cache-Control"] = NO_CACHE
    return headers
