"""A worker's way to the text of a job: im, by HTTP, or a desk in the worker's own process."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

import httpx

from app.domain import Draft, Ticket, Waiting
from app.job import Job
from app.peers import ATTEMPT, CLIENT, JOB, NO_CACHE, RESPOND_LATER, ImClient, Peers
from app.settings import Settings
from app.supervision import Loop
from app.writers.base import CallContext, Deadline
from app.writers.batches import BatchLostError
from app.writers.desk import Desk


class Writing(Protocol):
    """Writes texts. One of the two events is set: whether a writer is there."""

    up: asyncio.Event
    down: asyncio.Event

    async def write(self, job: Job, *, later: bool) -> Draft | Waiting:
        """The text, or where to wait for it if ``later`` allows that. Raises WriterError."""
        ...

    async def collect(self, job: Job, ticket: Ticket) -> Draft | Waiting | None:
        """The text of a ticket; None when it will never come. Raises WriterError when it is not known now."""
        ...

    def loops(self) -> Mapping[str, Loop]:
        """Background tasks, by name."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class FromIm:
    """Implements Writing by the instances of im that IM_URL names."""

    def __init__(self, settings: Settings) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=settings.worker_concurrency)
        self._client = httpx.AsyncClient(limits=limits)
        self._peers = Peers(settings.im_url, self._client)
        self._im = ImClient(self._peers, self._client, settings.llm_deadline_seconds)
        self.up, self.down = self._peers.up, self._peers.down

    async def write(self, job: Job, *, later: bool) -> Draft | Waiting:
        """Ask an instance."""
        headers = _headers(job)
        if later:
            headers["Prefer"] = RESPOND_LATER
        return await self._im.write(job.assignment, headers)

    async def collect(self, job: Job, ticket: Ticket) -> Draft | Waiting | None:
        """Ask an instance."""
        return await self._im.collect(job.assignment, ticket, _headers(job))

    def loops(self) -> Mapping[str, Loop]:
        """The check of the instances' health."""
        return {"peers": self._peers.watch}

    async def close(self) -> None:
        """Close the connections to im."""
        await self._client.aclose()


class FromDesk:
    """Implements Writing by a desk of this process; budget and limits hold over all processes, as they do with im."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self._desk = desk
        self._seconds = settings.llm_deadline_seconds
        self.up, self.down = asyncio.Event(), asyncio.Event()
        self.up.set()

    async def write(self, job: Job, *, later: bool) -> Draft | Waiting:
        """Write here, or order in a batch."""
        context = self._context(job)
        return await (self._desk.order(job.assignment, context) if later else self._desk.write(job.assignment, context))

    async def collect(self, job: Job, ticket: Ticket) -> Draft | Waiting | None:
        """Look into the batch."""
        try:
            return await self._desk.collect(job.assignment, ticket, self._context(job))
        except BatchLostError:
            return None

    def loops(self) -> Mapping[str, Loop]:
        """Nothing to watch."""
        return {}

    async def close(self) -> None:
        """Nothing: the desk is closed by its opener."""

    def _context(self, job: Job) -> CallContext:
        return CallContext(
            deadline=Deadline.after(self._seconds),
            job_id=str(job.id),
            attempt=job.attempt,
            client_id=job.client_id,
            fresh=job.fresh,
        )


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
