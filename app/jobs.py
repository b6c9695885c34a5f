"""Jobs in the database: every change of state is one guarded statement, so that no two workers both finish a job.

The guard is the attempt number (a fencing token): a worker that lost its job to another may still run, but what it
writes carries an old number and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Row, Select, Update, and_, case, func, not_, null, or_, select, update

from app.cache import Cache
from app.database import Database
from app.domain import Assignment, Content, ContentType, Draft, JobStatus, Priority, Ticket, Usage, Waiting
from app.ids import JobId
from app.queue import withdraw
from app.tables import jobs

OPEN = (JobStatus.PENDING, JobStatus.IN_PROGRESS)
# A replica may not have seen a job this young yet, so it is looked for on the primary too.
REPLICA_LAG = timedelta(seconds=60)
# Percent shown of a job that is being written; writers give their text all at once.
BEGUN = 25


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

    @property
    def waits_for_batch(self) -> bool:
        """Whether a provider's batch will bring the text (D01)."""
        return self.ticket is not None and self.status is JobStatus.PENDING

    @property
    def may_be_ordered(self) -> bool:
        """Whether its text may come from a batch: for who chose the price, and once, so that nobody waits twice."""
        return self.assignment.priority is Priority.COST and self.ticket_until is None


class Claim(StrEnum):
    """What a worker that took a job from the queue may do with it."""

    RUN = "run"
    DONE = "done"
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True)
class Failure:
    """Why an attempt did not give a text: a short class for figures, a sentence for people."""

    kind: str
    message: str


class JobStore:
    """Reads and changes of jobs."""

    def __init__(self, database: Database, cache: Cache, max_attempts: int) -> None:
        self.database = database
        self.cache = cache
        self.max_attempts = max_attempts

    async def find(self, job: JobId) -> Job | None:
        """One job; from the replica where there is one, unless the job is too young to be there."""
        statement = _one(job)
        async with self.database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None and datetime.now(UTC) - job.created_at < REPLICA_LAG:
            async with self.database.read(fresh=True) as connection:
                row = (await connection.execute(statement)).one_or_none()
        return _job(row) if row else None

    async def page(self, client_id: str, owner: str | None, limit: int, before: JobId | None) -> Sequence[Job]:
        """A client's jobs, newest first, older than the job `before`; only those of the same owner."""
        statement = select(jobs).where(jobs.c.client_id == client_id, jobs.c.owner.is_not_distinct_from(owner))
        if before is not None:
            earlier = and_(jobs.c.created_at == before.created_at, jobs.c.id < str(before))
            statement = statement.where(or_(jobs.c.created_at < before.created_at, earlier))
        ordered = statement.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)
        async with self.database.read() as connection:
            return [_job(row) for row in await connection.execute(ordered)]

    async def claim(self, job: JobId) -> tuple[Claim, Job | None]:
        """Begin the next attempt. A job that expired or used up its attempts gets its final state here instead.

        The time is the database's: a worker whose clock is wrong must not let a job expire. A ticket ends with its
        time, and while it lasts nothing uses up the attempts: looking for a text is none.
        """
        now = func.now()
        in_time = and_(jobs.c.ticket.is_not(None), jobs.c.ticket_until > now)
        unbegun = and_(jobs.c.status == JobStatus.PENDING, jobs.c.attempt == 0, jobs.c.ticket_until.is_(None))
        expired = and_(unbegun, jobs.c.expires_at <= now)
        exhausted = and_(jobs.c.attempt >= self.max_attempts, not_(in_time))
        statement = (
            _change(job, jobs.c.status.in_(OPEN))
            .values(
                status=case((expired, JobStatus.EXPIRED), (exhausted, JobStatus.FAILED), else_=JobStatus.IN_PROGRESS),
                attempt=jobs.c.attempt + case((or_(expired, exhausted), 0), else_=1),
                progress=case((or_(expired, exhausted), jobs.c.progress), else_=BEGUN),
                ticket=case((in_time, jobs.c.ticket), else_=null()),
                started_at=func.coalesce(jobs.c.started_at, now),
                finished_at=case((or_(expired, exhausted), now), else_=None),
                error_type=case((expired, "expired"), (exhausted, func.coalesce(jobs.c.error_type, "crashed"))),
                error=case(
                    (expired, "the job was not begun before it expired"),
                    (
                        exhausted,
                        func.coalesce(jobs.c.error, "every worker that took the job died over it"),
                    ),
                ),
            )
            .returning(jobs)
        )
        async with self.database.write() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            return Claim.DONE, None
        outcome = {JobStatus.EXPIRED: Claim.EXPIRED, JobStatus.FAILED: Claim.EXHAUSTED}
        return outcome.get(JobStatus(row.status), Claim.RUN), _job(row)

    async def complete(self, job: JobId, attempt: int, draft: Draft) -> bool:
        """Store the result. False (and unchanged) when another attempt or a cancellation came first."""
        values = {
            "status": JobStatus.COMPLETED,
            "progress": 100,
            "finished_at": func.now(),
            **columns_of(draft),
            "error_type": None,
            "error": None,
        }
        return await self._end(job, attempt, _change(job).values(**values))

    async def postpone(self, job: JobId, attempt: int, failure: Failure, *, counted: bool = True) -> bool:
        """Back to pending for another attempt; `counted=False` when the worker stops and the job is not to blame."""
        values = {"status": JobStatus.PENDING, "progress": 0, "error_type": failure.kind, "error": failure.message}
        back = {} if counted else {"attempt": jobs.c.attempt - 1, "error_type": None, "error": None}
        return await self._fenced(job, attempt, _change(job).values(**{**values, **back})) is not None

    async def wait(self, job: JobId, attempt: int, waiting: Waiting) -> bool:
        """Back to pending until a batch has the text; the attempt does not count, and the first time limit stays."""
        until = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, waiting.left_seconds)
        values = {
            "status": JobStatus.PENDING,
            "attempt": jobs.c.attempt - 1,
            "ticket": waiting.ticket.model_dump(mode="json"),
            "ticket_until": func.coalesce(jobs.c.ticket_until, until),
        }
        return await self._fenced(job, attempt, _change(job).values(**values)) is not None

    async def forget_ticket(self, job: JobId, attempt: int) -> bool:
        """The batch will not bring the text; `ticket_until` stays, so that it is not ordered a second time."""
        return await self._fenced(job, attempt, _change(job).values(ticket=null())) is not None

    async def fail(self, job: JobId, attempt: int, failure: Failure) -> bool:
        """The last attempt failed: the job stays as a dead letter, with the reason."""
        values = {
            "status": JobStatus.FAILED,
            "finished_at": func.now(),
            "error_type": failure.kind,
            "error": failure.message,
        }
        return await self._end(job, attempt, _change(job).values(**values))

    async def cancel(self, job: JobId) -> Job | None:
        """Cancel an open job and take it out of the queue; None when it was final already."""
        statement = _change(job, jobs.c.status.in_(OPEN)).values(status=JobStatus.CANCELLED, finished_at=func.now())
        async with self.database.write() as connection:
            row = (await connection.execute(statement.returning(jobs))).one_or_none()
            if row is not None:
                await withdraw(connection, job)
        if row is None:
            return None
        await self.cache.invalidate(list_name(row.client_id))
        return _job(row)

    async def _end(self, job: JobId, attempt: int, statement: Update) -> bool:
        client_id = await self._fenced(job, attempt, statement)
        if client_id is None:
            return False
        await self.cache.invalidate(list_name(client_id))
        return True

    async def _fenced(self, job: JobId, attempt: int, statement: Update) -> str | None:
        """The client whose job was changed; None when the attempt is no longer in force."""
        mine = and_(jobs.c.status == JobStatus.IN_PROGRESS, jobs.c.attempt == attempt)
        async with self.database.write() as connection:
            return (await connection.execute(statement.where(mine).returning(jobs.c.client_id))).scalar()


def columns_of(draft: Draft) -> dict[str, object]:
    """A text as a job's row keeps it."""
    return {
        "content": draft.content.model_dump(mode="json"),
        "provider": draft.provider,
        "model": draft.model,
        "input_tokens": draft.usage.input_tokens,
        "output_tokens": draft.usage.output_tokens,
        "cost_usd": draft.usage.cost_usd,
    }


def list_name(client_id: str) -> str:
    """Where the first page of a client's jobs is cached (B03)."""
    return f"jobs:{client_id}"


def _one(job: JobId) -> "Select[tuple[object, ...]]":
    return select(jobs).where(jobs.c.id == str(job), jobs.c.created_at == job.created_at)


def _change(job: JobId, *conditions: object) -> Update:
    found = update(jobs).where(jobs.c.id == str(job), jobs.c.created_at == job.created_at, *conditions)  # type: ignore[arg-type]
    return found.values(updated_at=func.now())


def _job(row: "Row[tuple[object, ...]]") -> Job:
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
        content=Content.model_validate(row.content) if row.content else None,
        provider=row.provider,
        model=row.model,
        usage=Usage(input_tokens=row.input_tokens, output_tokens=row.output_tokens, cost_usd=float(row.cost_usd)),
        error_type=row.error_type,
        error=row.error,
        request_id=row.request_id,
        trace_parent=row.trace_parent,
        ticket=Ticket.model_validate(row.ticket) if row.ticket else None,
        ticket_until=row.ticket_until,
    )
