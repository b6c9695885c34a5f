"""Source of a job's text for a worker: written at once, or the batch in which it was ordered (D01)."""

import structlog

from app.domain import Draft, Ticket, Waiting
from app.job import Job
from app.jobs import JobStore
from app.settings import Settings
from app.writers.base import WriterError
from app.writing import Writing

_LOG = structlog.get_logger("app.texts")


class Overtaken(Exception):
    """The job was cancelled, or is another worker's now: its text is not wanted here any more."""


class Texts:
    """Gets the text of a job in one turn, or says how long to wait for it."""

    def __init__(self, writing: Writing, jobs: JobStore, settings: Settings) -> None:
        self._writing = writing
        self._jobs = jobs
        self._pause_seconds = settings.job_lease_seconds

    async def obtain(self, job: Job) -> Draft | Waiting:
        """Raises WriterError when the attempt failed, and Overtaken."""
        if job.ticket is None:
            return await self._writing.write(job, later=job.may_be_ordered)
        collected = await self._collected(job, job.ticket)
        if collected is not None:
            return collected
        if not await self._jobs.forget_ticket(job.id, job.attempt):
            raise Overtaken
        return await self._writing.write(job, later=False)

    async def _collected(self, job: Job, ticket: Ticket) -> Draft | Waiting | None:
        """Collect a text from its batch. While the batch's state is unknown the job waits: its time limit was set when
        it was ordered.
        """
        try:
            outcome = await self._writing.collect(job, ticket)
        except WriterError as error:
            _LOG.warning("batch not asked, waiting on", batch=ticket.batch, error_type=error.kind, error=str(error))
            return Waiting(ticket=ticket, again_seconds=self._pause_seconds, left_seconds=0)
        if outcome is None:
            _LOG.warning("text lost in its batch, asking directly", provider=ticket.provider, batch=ticket.batch)
        return outcome
