"""Attempts at the jobs of one table: every change of state is one guarded statement, so no two workers finish a job.

The guard is the attempt number (a fencing token): a worker that lost its job to another may still run, but what it
writes carries an old number and changes nothing. The times are the database's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, DateTime, Integer, Row, Table, Text, and_, bindparam, case, func, or_, update
from sqlalchemy.sql.dml import ReturningUpdate, Update

from app.database import Database
from app.failures import FAILURES, failure_class
from app.ids import JobId
from app.job import Claim
from app.lists import JobLists


class State(StrEnum):
    """State of a job in its own row."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    READY = "ready"
    FAILED = "failed"


OPEN = (State.PENDING, State.IN_PROGRESS)


def job_columns() -> tuple[Column[object], ...]:
    """The columns by which a job's attempts are counted and fenced (app.platform_tables.JOB)."""
    return (
        Column("status", Text, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("waits", Integer, nullable=False),
        Column("updated_at", DateTime(timezone=True), nullable=False),
        Column("started_at", DateTime(timezone=True)),
        Column("finished_at", DateTime(timezone=True)),
        Column("expires_at", DateTime(timezone=True), nullable=False),
        Column("error_type", Text),
        Column("error", Text),
    )


@dataclass(frozen=True)
class Attempt:
    """An attempt that is under way; ``row`` is the whole job. Implements app.consumer.Attempted."""

    id: JobId
    attempt: int
    waits: int
    created_at: datetime
    expires_at: datetime
    owner: str
    row: "Row[tuple[object, ...]]"


class TableAttempts:
    """Implements app.consumer.Attempts for a table with the columns of a job."""

    def __init__(self, database: Database, lists: JobLists, table: Table, max_attempts: int) -> None:
        self._database = database
        self._lists = lists
        self._table = table
        self._claim = _claiming(table, max_attempts)
        changed = update(table).where(table.c.id == bindparam("of_job"))
        in_force = and_(table.c.status == State.IN_PROGRESS, table.c.attempt == bindparam("of_attempt"))
        self._own = changed.where(in_force).values(updated_at=func.now()).returning(table.c.owner)

    async def claim(self, job: JobId) -> tuple[Claim, Attempt | None]:
        """Begin the next attempt. A job that expired or used up its attempts fails here instead."""
        async with self._database.write() as connection:
            row = (await connection.execute(self._claim, {"of_job": str(job)})).one_or_none()
        if row is None:
            return Claim.DONE, None
        await self._lists.changed(row.owner)
        claim = Claim.RUN
        if row.status == State.FAILED:
            claim = Claim.EXPIRED if row.error_type == "expired" else Claim.EXHAUSTED
        return claim, Attempt(job, row.attempt, row.waits, row.created_at, row.expires_at, row.owner, row)

    async def complete(self, job: JobId, attempt: int, values: Mapping[str, object]) -> bool:
        """Store the result. False (and unchanged) when another attempt or a deletion came first."""
        ended = {"status": State.READY, "error_type": None, "error": None}
        return await self._fenced(job, attempt, self._own.values(finished_at=func.now()), {**ended, **values})

    async def note(self, job: JobId, attempt: int, values: Mapping[str, object]) -> bool:
        """Write what is known of an attempt that goes on."""
        return await self._fenced(job, attempt, self._own, values)

    async def fail(self, job: JobId, attempt: int, kind: str) -> bool:
        """The last attempt failed: the job stays, with the reason."""
        ended = self._own.values(finished_at=func.now())
        return await self._fenced(job, attempt, ended, {"status": State.FAILED, **_reason(kind)})

    async def postpone(self, job: JobId, attempt: int, kind: str) -> bool:
        """Back to pending for another attempt; where the job is not to blame (C03), this one does not count."""
        change = self._own
        if not failure_class(kind).counted:
            change = change.values(attempt=self._table.c.attempt - 1, waits=self._table.c.waits + 1)
        return await self._fenced(job, attempt, change, {"status": State.PENDING, **_reason(kind)})

    async def give_back(self, job: JobId, attempt: int) -> bool:
        """Back to pending because the worker stops: nothing happened to the job."""
        change = self._own.values(attempt=self._table.c.attempt - 1)
        return await self._fenced(job, attempt, change, {"status": State.PENDING})

    async def _fenced(
        self,
        job: JobId,
        attempt: int,
        change: "Update | ReturningUpdate[tuple[object, ...]]",
        values: Mapping[str, object],
    ) -> bool:
        """True if the job was changed; it is not when the attempt is no longer in force."""
        parameters = {"of_job": str(job), "of_attempt": attempt}
        async with self._database.write() as connection:
            owner = (await connection.execute(change.values(**values), parameters)).scalar()
        if owner is None:
            return False
        await self._lists.changed(owner)
        return True


def _reason(kind: str) -> dict[str, object]:
    """Reason of a failure for clients; what else is known of it is in the worker's log."""
    return {"error_type": kind, "error": failure_class(kind).sentence}


def _claiming(table: Table, max_attempts: int) -> "ReturningUpdate[tuple[object, ...]]":
    """The next attempt, or the failure in which a job ends instead: it waited too long, or every attempt was lost."""
    now = func.now()
    waiting = and_(table.c.status == State.PENDING, or_(table.c.attempt == 0, table.c.waits > 0))
    expired, exhausted = and_(waiting, table.c.expires_at <= now), table.c.attempt >= max_attempts
    over = or_(expired, exhausted)
    crashed = func.coalesce(table.c.error, FAILURES["crashed"].sentence)
    return (
        update(table)
        .where(table.c.id == bindparam("of_job"), table.c.status.in_(OPEN))
        .values(
            status=case((over, State.FAILED), else_=State.IN_PROGRESS),
            attempt=table.c.attempt + case((over, 0), else_=1),
            updated_at=now,
            started_at=func.coalesce(table.c.started_at, now),
            finished_at=case((over, now), else_=None),
            error_type=case((expired, "expired"), (exhausted, func.coalesce(table.c.error_type, "crashed"))),
            error=case((expired, FAILURES["expired"].sentence), (exhausted, crashed)),
        )
        .returning(table)
    )
