"""Jobs in the database: every change of state is one guarded statement, so that no two workers both finish a job.

The guard is the attempt number (a fencing token): a worker that lost its job to another may still run, but what it
writes carries an old number and changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Row, Select, Update, and_, bindparam, case, func, not_, null, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

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
        self._claim = _claiming(max_attempts)

    async def find(self, job: JobId) -> Job | None:
        """One job; from the replica where there is one, unless the job is too young to be there."""
        statement = _one(job)
        row = next(iter(await self.database.rows(statement)), None)
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
        return [_job(row) for row in await self.database.rows(ordered)]

    async def claim(self, job: JobId) -> tuple[Claim, Job | None]:
        """Begin the next attempt. A job that expired or used up its attempts gets its final state here instead.

        The time is the database's: a worker whose clock is wrong must not let a job expire. While a ticket lasts
        nothing uses up the attempts: looking for a text is none.
        """
        async with self.database.write() as connection:
            row = (await connection.execute(self._claim, _of(job))).one_or_none()
        if row is None:
            return Claim.DONE, None
        outcome = {JobStatus.EXPIRED: Claim.EXPIRED, JobStatus.FAILED: Claim.EXHAUSTED}
        return outcome.get(JobStatus(row.status), Claim.RUN), _job(row)

    async def complete(self, job: JobId, attempt: int, draft: Draft) -> bool:
        """Store the result. False (and unchanged) when another attempt or a cancellation came first."""
        values = {"status": JobStatus.COMPLETED, "progress": 100, "error_type": None, "error": None}
        return await self._end(job, attempt, {**values, **columns_of(draft)})

    async def postpone(self, job: JobId, attempt: int, failure: Failure, *, counted: bool = True) -> bool:
        """Back to pending for another attempt; `counted=False` when the worker stops and the job is not to blame."""
        values = {"status": JobStatus.PENDING, "progress": 0}
        if not counted:
            return await self._fenced(job, attempt, values, _UNCOUNTED) is not None
        return await self._fenced(job, attempt, {**values, **_reason(failure)}, _OWN) is not None

    async def wait(self, job: JobId, attempt: int, waiting: Waiting) -> bool:
        """Back to pending until a batch has the text; the attempt does not count, and the first time limit stays."""
        values = {
            "status": JobStatus.PENDING,
            "ticket": waiting.ticket.model_dump(mode="json"),
            "seconds_left": waiting.left_seconds,
        }
        return await self._fenced(job, attempt, values, _WAITING) is not None

    async def forget_ticket(self, job: JobId, attempt: int) -> bool:
        """The batch will not bring the text; `ticket_until` stays, so that it is not ordered a second time."""
        return await self._fenced(job, attempt, {"ticket": None}, _OWN) is not None

    async def fail(self, job: JobId, attempt: int, failure: Failure) -> bool:
        """The last attempt failed: the job stays as a dead letter, with the reason."""
        return await self._end(job, attempt, {"status": JobStatus.FAILED, **_reason(failure)})

    async def cancel(self, job: JobId) -> Job | None:
        """Cancel an open job and take it out of the queue; None when it was final already."""
        async with self.database.write() as connection:
            row = (await connection.execute(_CANCELLED, _of(job))).one_or_none()
            if row is not None:
                await withdraw(connection, job)
        if row is None:
            return None
        await self.cache.invalidate(list_name(row.client_id))
        return _job(row)

    async def _end(self, job: JobId, attempt: int, values: Mapping[str, object]) -> bool:
        client_id = await self._fenced(job, attempt, values, _ENDED)
        if client_id is None:
            return False
        await self.cache.invalidate(list_name(client_id))
        return True

    async def _fenced(self, job: JobId, attempt: int, values: Mapping[str, object], change: Update) -> str | None:
        """The client whose job was changed; None when the attempt is no longer in force."""
        parameters = {**_of(job), "of_attempt": attempt, **values}
        async with self.database.write() as connection:
            return (await connection.execute(change, parameters)).scalar()


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


def _of(job: JobId) -> dict[str, object]:
    """The parameters by which _CHANGED finds a job."""
    return {"of_job": str(job), "of_created": job.created_at}


def _reason(failure: Failure) -> dict[str, object]:
    return {"error_type": failure.kind, "error": failure.message}


# Built once: putting a statement together takes as long as sending it. What a caller sets comes as parameters.
_CHANGED = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"), jobs.c.created_at == bindparam("of_created"))
    .values(updated_at=func.now())
)
_OPEN = _CHANGED.where(jobs.c.status.in_(OPEN))
_CANCELLED = _OPEN.values(status=JobStatus.CANCELLED, finished_at=func.now()).returning(jobs)
_IN_FORCE = and_(jobs.c.status == JobStatus.IN_PROGRESS, jobs.c.attempt == bindparam("of_attempt"))
_OWN = _CHANGED.where(_IN_FORCE).returning(jobs.c.client_id)
_ENDED = _OWN.values(finished_at=func.now())
_UNCOUNTED = _OWN.values(attempt=jobs.c.attempt - 1)
_UNTIL = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds_left"))
_WAITING = _UNCOUNTED.values(ticket_until=func.coalesce(jobs.c.ticket_until, _UNTIL))


def _claiming(max_attempts: int) -> "ReturningUpdate[tuple[object, ...]]":
    """The next attempt, or the state in which a job ends instead. A ticket ends with its time."""
    now = func.now()
    in_time = and_(jobs.c.ticket.is_not(None), jobs.c.ticket_until > now)
    unbegun = and_(jobs.c.status == JobStatus.PENDING, jobs.c.attempt == 0, jobs.c.ticket_until.is_(None))
    expired = and_(unbegun, jobs.c.expires_at <= now)
    exhausted = and_(jobs.c.attempt >= max_attempts, not_(in_time))
    over = or_(expired, exhausted)
    crashed = func.coalesce(jobs.c.error, "every worker that took the job died over it")
    return _OPEN.values(
        status=case((expired, JobStatus.EXPIRED), (exhausted, JobStatus.FAILED), else_=JobStatus.IN_PROGRESS),
        attempt=jobs.c.attempt + case((over, 0), else_=1),
        progress=case((over, jobs.c.progress), else_=BEGUN),
        ticket=case((in_time, jobs.c.ticket), else_=null()),
        started_at=func.coalesce(jobs.c.started_at, now),
        finished_at=case((over, now), else_=None),
        error_type=case((expired, "expired"), (exhausted, func.coalesce(jobs.c.error_type, "crashed"))),
        error=case((expired, "the job was not begun before it expired"), (exhausted, crashed)),
    ).returning(jobs)


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
