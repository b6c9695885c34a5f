"""Acceptance of a product's jobs: row and place in the queue commit together, many requests in one transaction.

Requests share commits (app.batch), so the price of a durable commit is paid once for many of them; a request is
answered after its own commit. Within a batch the queue's limit is kept exactly; processes that commit at the same
moment may pass it by a batch each. Rows are stored and the queue is counted by one statement: behind a pooler each
takes two round trips, which are most of a batch's price.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar, Generic, Protocol, TypeVar

from sqlalchemy import TextClause, text

from app.batch import Batcher, sharing_commits
from app.database import Database
from app.domain import Priority
from app.ids import JobId
from app.lists import JobLists
from app.queue import ROOM, QueueFull, enqueue
from app.queue_names import Queue


class Submitted(Protocol):
    """A validated request on its way to becoming a job."""

    @property
    def id(self) -> JobId:
        """Its id."""
        ...

    @property
    def owner(self) -> str:
        """Client that it belongs to."""
        ...


Item = TypeVar("Item", bound=Submitted)
Outcome = JobId | QueueFull


def storing(columns: str, statement: str) -> TextClause:
    """The statement of a product's intake, which inserts from ``accepted`` and returns the ids: the batch's first rows,
    with their columns and types, as many as the queue has room for.
    """
    rows = f"SELECT * FROM jsonb_to_recordset(cast(:rows AS jsonb)) AS new ({columns}) LIMIT ({ROOM})"  # noqa: S608 - columns of ours
    return text(f"WITH accepted AS MATERIALIZED ({rows}) {statement}")


class QueuedIntake(ABC, Generic[Item]):
    """Accepts the jobs of one queue. A product says how they are stored, and how urgent each is."""

    _queue: ClassVar[Queue]
    _statement: ClassVar[TextClause]
    """See ``storing``. When a job expires is the database's clock's business, by ``:life``: a wrong clock of ours must
    not let an accepted job expire.
    """

    def __init__(self, database: Database, lists: JobLists, expiry_seconds: int, queue_limit: int) -> None:
        self._database = database
        self._lists = lists
        self._expiry = timedelta(seconds=expiry_seconds)
        self._limit = queue_limit
        self._batcher: Batcher[Item, Outcome] = sharing_commits(self._commit)

    @abstractmethod
    def _row(self, entry: Item) -> Mapping[str, object]:
        """Columns of a job beside its id, owner and moment."""

    @abstractmethod
    def _priority(self, entry: Item) -> Priority:
        """Place of a job in the queue."""

    async def accept(self, submission: Item) -> JobId:
        """Store and enqueue one job. Raises QueueFull, OverloadedError and DatabaseUnavailable (nothing was stored
        then, unless it is an OutcomeUnknown).
        """
        outcome = await self._batcher.ask(submission)
        if isinstance(outcome, QueueFull):
            raise outcome
        return outcome

    async def _commit(self, batch: Sequence[Item]) -> list[Outcome]:
        rows = json.dumps([{**self._row(entry), **_identity(entry)} for entry in batch])
        told = {"rows": rows, "life": self._expiry, "room_limit": self._limit, "room_queue": self._queue}
        async with self._database.write() as connection:
            stored = set((await connection.execute(self._statement, told)).scalars())
            taken = [entry for entry in batch if str(entry.id) in stored]
            if taken:
                await enqueue(connection, [(entry.id, self._priority(entry)) for entry in taken], self._queue)
        await self._lists.changed(*{entry.owner for entry in taken})
        return [entry.id if str(entry.id) in stored else QueueFull() for entry in batch]


def _identity(entry: Submitted) -> Mapping[str, object]:
    return {"id": str(entry.id), "created_at": entry.id.created_at.isoformat(), "owner": entry.owner}
