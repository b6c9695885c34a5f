"""A job as it is stored, and what a worker that takes one may do with it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Row

from app.domain import Assignment, Content, ContentType, JobStatus, Priority, Ticket, Usage
from app.ids import JobId


@dataclass(frozen=True)
class Job:
    """A job as it is stored."""

    id: JobId
    client_id: str
    owner: str | None
    assignment: Assignment
    status: JobStatus
    attempt: int
    progress: int
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime
    content: Content | None
    provider: str | None
    model: str | None
    usage: Usage
    error_type: str | None
    error: str | None
    request_id: str | None
    trace_parent: str | None
    ticket: Ticket | None
    ticket_until: datetime | None
    fresh: bool
    waits: int

    @property
    def waits_for_batch(self) -> bool:
        """True if a provider's batch will bring the text (D01)."""
        return self.ticket is not None and self.status is JobStatus.PENDING

    @property
    def may_be_ordered(self) -> bool:
        """True if its text may come from a batch: where the client chose the price, and only once a job."""
        return self.assignment.priority is Priority.COST and self.ticket_until is None


class Claim(StrEnum):
    """Rights of a worker on a job that it took from the queue."""

    RUN = "run"
    DONE = "done"
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"


def job_of(row: "Row[tuple[object, ...]]") -> Job:
    """A row of the table jobs, with all of its columns."""
    assignment = Assignment.model_construct(
        topic=row.topic,
        content_type=ContentType(row.content_type),
        keywords=tuple(row.keywords),
        priority=Priority(row.priority),
    )
    return Job(
        id=JobId.parse(row.id),
        client_id=row.client_id,
        owner=row.owner,
        assignment=assignment,
        status=JobStatus(row.status),
        attempt=row.attempt,
        progress=row.progress,
        created_at=row.created_at,
        updated_at=row.updated_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        expires_at=row.expires_at,
        content=Content.as_stored(row.content) if row.content else None,
        provider=row.provider,
        model=row.model,
        usage=Usage(input_tokens=row.input_tokens, output_tokens=row.output_tokens, cost_usd=float(row.cost_usd)),
        error_type=row.error_type,
        error=row.error,
        request_id=row.request_id,
        trace_parent=row.trace_parent,
        ticket=Ticket.as_stored(row.ticket) if row.ticket else None,
        ticket_until=row.ticket_until,
        fresh=row.fresh,
        waits=row.waits,
    )
