"""Jobs in the database: every change of state is one guarded statement, so that no two workers both finish a job.

The guard is the attempt number (a fencing token): a worker that lost its job to another may still run, but what it
writes carries an old number and changes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, Update, and_, bindparam, case, delete, func, not_, null, or_, select, text, update
from sqlalchemy.sql.dml import ReturningUpdate

from app.access.owners import GUESTS, act_for_ourselves, acting_for, guest
from app.database import Database
from app.domain import Draft, JobStatus, Waiting
from app.failures import FAILURES, failure_class
from app.ids import JobId
from app.job import Claim, Job, job_of
from app.lists import JobLists
from app.queue import withdraw
from app.tables import jobs

OPEN = (JobStatus.PENDING, JobStatus.IN_PROGRESS)
# A replica may not have seen a job this young yet, so it is looked for on the primary too.
REPLICA_LAG = timedelta(seconds=60)
# How long a job that lost its text with its batch may be asked for directly, beyond the batch's time.
AFTER_A_BATCH = timedelta(hours=1)
# Percent shown of a job that is being written; writers give their text all at once.
BEGUN = 25


class JobStore:
    """Reads and changes of jobs."""

    def __init__(self, database: Database, lists: JobLists, max_attempts: int) -> None:
        self.database = database
        self.lists = lists
        self._claim = _claiming(max_attempts)

    async def find(self, job: JobId) -> Job | None:
        """One job of any owner: for the service itself."""
        return await self._found(job, None)

    async def seen(self, job: JobId, owner: str) -> Job | None:
        """The same for a client: a job of this owner (app.access.owners)."""
        return await self._found(job, owner)

    async def _found(self, job: JobId, owner: str | None) -> Job | None:
        """From the replica where there is one, unless the job is too young to be there."""
        statement, role = _one(job), None if owner is None else acting_for(owner)
        row = next(iter(await self.database.rows(statement, first=role)), None)
        if row is None and datetime.now(UTC) - job.created_at < REPLICA_LAG:
            row = next(iter(await self.database.rows(statement, first=role, fresh=True)), None)
        return job_of(row) if row else None

    async def page(self, owner: str, client_id: str, limit: int, before: JobId | None) -> Sequence[Job]:
        """An owner's jobs, newest first, older than the job `before`, from the primary: lists are kept for minutes."""
        statement = select(jobs).where(jobs.c.client_id == client_id)
        if before is not None:
            earlier = and_(jobs.c.created_at == before.created_at, jobs.c.id < str(before))
            statement = statement.where(or_(jobs.c.created_at < before.created_at, earlier))
        ordered = statement.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)
        return [job_of(row) for row in await self.database.rows(ordered, first=acting_for(owner), fresh=True)]

    async def changed_since(self, seen: Mapping[JobId, datetime]) -> Sequence[Job]:
        """Those of the jobs that changed after the moment given for each; without their texts."""
        made = [job.created_at for job in seen]
        parameters = {
            "ids": [str(job) for job in seen],
            "made": made,
            "seen": list(seen.values()),
            "first": min(made),
            "last": max(made),
        }
        async with self.database.read(fresh=True) as connection:
            return [job_of(row) for row in await connection.execute(_CHANGED_SINCE, parameters)]

    async def claim(self, job: JobId) -> tuple[Claim, Job | None]:
        """Begin the next attempt. A job that expired or used up its attempts gets its final state here instead.

        The time is the database's: a worker whose clock is wrong must not let a job expire. While a ticket lasts
        nothing uses up the attempts: looking for a text is none.
        """
        async with self.database.write() as connection:
            row = (await connection.execute(self._claim, _of(job))).one_or_none()
        if row is None:
            return Claim.DONE, None
        await self.lists.changed(row.owner or guest(row.client_id))
        outcome = {JobStatus.EXPIRED: Claim.EXPIRED, JobStatus.FAILED: Claim.EXHAUSTED}
        return outcome.get(JobStatus(row.status), Claim.RUN), job_of(row)

    async def complete(self, job: JobId, attempt: int, draft: Draft) -> bool:
        """Store the result. False (and unchanged) when another attempt or a cancellation came first."""
        values = {"status": JobStatus.COMPLETED, "progress": 100, "error_type": None, "error": None}
        return await self._end(job, attempt, {**values, **columns_of(draft)})

    async def postpone(self, job: JobId, attempt: int, kind: str) -> bool:
        """Back to pending for another attempt; where the job is not to blame (C03), this one does not count."""
        values = {"status": JobStatus.PENDING, "progress": 0, **_reason(kind)}
        change = _OWN if failure_class(kind).counted else _UNCOUNTED
        return await self._fenced(job, attempt, values, change)

    async def give_back(self, job: JobId, attempt: int) -> bool:
        """Back to pending because the worker stops: nothing happened to the job."""
        values = {"status": JobStatus.PENDING, "progress": 0}
        return await self._fenced(job, attempt, values, _UNBEGUN)

    async def wait(self, job: JobId, attempt: int, waiting: Waiting) -> bool:
        """Back to pending until a batch has the text; the attempt does not count, and the first time limit stays."""
        values = {
            "status": JobStatus.PENDING,
            "ticket": waiting.ticket.model_dump(mode="json"),
            "seconds_left": waiting.left_seconds,
        }
        return await self._fenced(job, attempt, values, _WAITING)

    async def forget_ticket(self, job: JobId, attempt: int) -> bool:
        """The batch will not bring the text; `ticket_until` stays, so that it is not ordered a second time."""
        return await self._fenced(job, attempt, {"ticket": None}, _OWN)

    async def fail(self, job: JobId, attempt: int, kind: str) -> bool:
        """The last attempt failed: the job stays as a dead letter, with the reason."""
        return await self._end(job, attempt, {"status": JobStatus.FAILED, **_reason(kind)})

    async def cancel(self, job: JobId, owner: str) -> Job | None:
        """Cancel an open job of this owner and take it out of the queue; None when it had ended, or is not there."""
        async with self.database.write() as connection:
            await connection.execute(acting_for(owner))
            row = (await connection.execute(_CANCELLED, _of(job))).one_or_none()
            if row is not None:
                await act_for_ourselves(connection)
                await withdraw(connection, job)
        if row is None:
            return None
        await self.lists.changed(row.owner or guest(row.client_id))
        return job_of(row)

    async def delete(self, job: JobId, owner: str) -> bool:
        """Delete an ended job of this owner with its text; False when it has not ended, or is not there."""
        ended = delete(jobs).where(jobs.c.id == str(job), jobs.c.created_at == job.created_at)
        statement = ended.where(jobs.c.status.not_in(OPEN)).returning(jobs.c.client_id, jobs.c.owner)
        async with self.database.write() as connection:
            await connection.execute(acting_for(owner))
            row = (await connection.execute(statement)).one_or_none()
        if row is not None:
            await self.lists.changed(row.owner or guest(row.client_id))
        return row is not None

    async def _end(self, job: JobId, attempt: int, values: Mapping[str, object]) -> bool:
        return await self._fenced(job, attempt, values, _ENDED)

    async def _fenced(self, job: JobId, attempt: int, values: Mapping[str, object], change: Update) -> bool:
        """True if the job was changed; it is not when the attempt is no longer in force."""
        parameters = {**_of(job), "of_attempt": attempt, **values}
        async with self.database.write() as connection:
            owner = (await connection.execute(change, parameters)).scalar()
        if owner is None:
            return False
        await self.lists.changed(owner)
        return True


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


def _one(job: JobId) -> "Select[tuple[object, ...]]":
    return select(jobs).where(jobs.c.id == str(job), jobs.c.created_at == job.created_at)


def _of(job: JobId) -> dict[str, object]:
    """The parameters by which _CHANGED finds a job."""
    return {"of_job": str(job), "of_created": job.created_at}


def _reason(kind: str) -> dict[str, object]:
    """Reason of a failure for clients; what else is known of it is in the worker's log."""
    return {"error_type": kind, "error": failure_class(kind).sentence}


_SUMMARY = ", ".join(
    f"NULL AS {column.name}" if column.name == "content" else f"jobs.{column.name}" for column in jobs.columns
)
_CHANGED_SINCE = text(
    f"SELECT {_SUMMARY}"  # noqa: S608  names of columns
    " FROM unnest(cast(:ids AS text[]), cast(:made AS timestamptz[]), cast(:seen AS timestamptz[]))"
    " AS watched (id, made, seen) JOIN jobs ON jobs.id = watched.id AND jobs.created_at = watched.made"
    " WHERE jobs.updated_at > watched.seen AND jobs.created_at BETWEEN :first AND :last"
)

# Built once: putting a statement together takes as long as sending it. What a caller sets comes as parameters.
_CHANGED = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"), jobs.c.created_at == bindparam("of_created"))
    .values(updated_at=func.now())
)
_OPEN = _CHANGED.where(jobs.c.status.in_(OPEN))
_CANCELLED = _OPEN.values(status=JobStatus.CANCELLED, finished_at=func.now()).returning(jobs)
_IN_FORCE = and_(jobs.c.status == JobStatus.IN_PROGRESS, jobs.c.attempt == bindparam("of_attempt"))
_OWN = _CHANGED.where(_IN_FORCE).returning(func.coalesce(jobs.c.owner, func.concat(GUESTS, jobs.c.client_id)))
_ENDED = _OWN.values(finished_at=func.now())
_UNBEGUN = _OWN.values(attempt=jobs.c.attempt - 1)
_UNCOUNTED = _UNBEGUN.values(waits=jobs.c.waits + 1)
_UNTIL = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds_left"))
_WAITING = _UNBEGUN.values(ticket_until=func.coalesce(jobs.c.ticket_until, _UNTIL))


def _claiming(max_attempts: int) -> "ReturningUpdate[tuple[object, ...]]":
    """The next attempt, or the state in which a job ends instead. A ticket ends with its time.

    A job that waits through no fault of its own does so until it expires, or an hour longer than for its batch.
    """
    now = func.now()
    in_time = and_(jobs.c.ticket.is_not(None), jobs.c.ticket_until > now)
    waiting = and_(jobs.c.status == JobStatus.PENDING, not_(in_time), or_(jobs.c.attempt == 0, jobs.c.waits > 0))
    expired = and_(waiting, func.greatest(jobs.c.expires_at, jobs.c.ticket_until + AFTER_A_BATCH) <= now)
    exhausted = and_(jobs.c.attempt >= max_attempts, not_(in_time))
    over = or_(expired, exhausted)
    crashed = func.coalesce(jobs.c.error, FAILURES["crashed"].sentence)
    return _OPEN.values(
        status=case((expired, JobStatus.EXPIRED), (exhausted, JobStatus.FAILED), else_=JobStatus.IN_PROGRESS),
        attempt=jobs.c.attempt + case((over, 0), else_=1),
        progress=case((over, jobs.c.progress), else_=BEGUN),
        ticket=case((in_time, jobs.c.ticket), else_=null()),
        started_at=func.coalesce(jobs.c.started_at, now),
        finished_at=case((over, now), else_=None),
        error_type=case((expired, "expired"), (exhausted, func.coalesce(jobs.c.error_type, "crashed"))),
        error=case((expired, FAILURES["expired"].sentence), (exhausted, crashed)),
    ).returning(jobs)
