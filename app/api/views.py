"""Representation of a job for clients."""

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from app.domain import Content, ContentType, JobStatus, Priority, Usage
from app.ids import JOB_ID_PATTERN
from app.job import Job


class Accepted(BaseModel):
    """The answer to POST /generate: the job is stored and will be done."""

    job_id: str = Field(pattern=JOB_ID_PATTERN, examples=["use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"])
    status_url: str = Field(examples=["/status/use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"])


class JobSummary(BaseModel):
    """A job in a list."""

    job_id: str = Field(pattern=JOB_ID_PATTERN)
    status: JobStatus
    progress: int = Field(ge=0, le=100, description="Percent.")
    waits_for: str | None = Field(None, description="In words, what a text that is on its way still waits for.")
    topic: str
    content_type: ContentType
    priority: Priority
    keywords: list[str]
    created_at: datetime
    updated_at: datetime


class JobFailure(BaseModel):
    """Reason for which a job ended, or last failed, without a text."""

    type: str
    message: str


class JobView(JobSummary):
    """A job with its result."""

    client_id: str
    attempt: int = Field(ge=0)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime
    provider: str | None = None
    model: str | None = None
    usage: Usage | None = None
    error: JobFailure | None = None
    result: Content | None = None


class JobPage(BaseModel):
    """One page of a client's jobs, newest first."""

    jobs: list[JobSummary]
    next: str | None = Field(None, description="Give this as `before` for the following page; null on the last one.")


def summary(job: Job) -> JobSummary:
    """A job for a list."""
    return JobSummary.model_construct(
        job_id=str(job.id),
        # Its text is being written, although no worker has it in hand.
        status=JobStatus.IN_PROGRESS if job.waits_for_batch else job.status,
        progress=job.progress,
        waits_for=_waits_for(job),
        topic=job.assignment.topic,
        content_type=job.assignment.content_type,
        priority=job.assignment.priority,
        keywords=list(job.assignment.keywords),
        created_at=job.created_at,
        updated_at=job.updated_at,
    )


def view(job: Job) -> JobView:
    """A job for its client."""
    failed = JobFailure(type=job.error_type, message=job.error or "") if job.error_type else None
    return JobView.model_construct(
        **summary(job).__dict__,
        client_id=job.client_id,
        attempt=job.attempt,
        started_at=job.started_at,
        finished_at=job.finished_at,
        expires_at=job.expires_at,
        provider=job.provider,
        model=job.model,
        usage=job.usage if job.status is JobStatus.COMPLETED else None,
        error=failed,
        result=job.content,
    )


def _waits_for(job: Job) -> str | None:
    if not job.waits_for_batch or job.ticket is None or job.ticket_until is None:
        return None
    until = job.ticket_until.astimezone(UTC)
    return f"The text is written in a batch of {job.ticket.provider} for half the price; by {until:%Y-%m-%d %H:%M} UTC."
