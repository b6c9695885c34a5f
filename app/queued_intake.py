"""Acceptance of a product's jobs: row and place in the queue commit together, many requests in one transaction.

Requests share commits (app.batch), so the price of a durable commit is paid once for many of them; a request is
answered after its own commit. Within a batch the queue's limit is kept exactly; processes that commit at the same
moment may pass it by a batch each.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from app.batch import Batcher, sharing_commits
from app.database import Database
from app.domain import Priority
from app.ids import JobId
from app.lists import JobLists
from app.queue import QueueFull, depth, enqueue
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


class QueuedIntake(ABC, Generic[Item]):
    """Accepts the jobs of one queue. A product says how they are stored, and how urgent each is."""

    _queue: ClassVar[Queue]

    def __init__(self, database: Database, lists: JobLists, queue_limit: int) -> None:
        self._database = database
        self._lists = lists
        self._limit = queue_limit
        self._batcher: Batcher[Item, Outcome] = sharing_commits(self._commit)

    @abstractmethod
    async def _insert(self, connection: AsyncConnection, batch: Sequence[Item]) -> None:
        """Store the rows of the jobs inside the open transaction."""

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
        async with self._database.write() as connection:
            room = max(0, self._limit - (await depth(connection, self._queue)).waiting)
            taken = batch[:room]
            if taken:
                await self._insert(connection, taken)
                await enqueue(connection, [(entry.id, self._priority(entry)) for entry in taken], self._queue)
        await self._lists.changed(*{entry.owner for entry in taken})
        return [*(entry.id for entry in taken), *(QueueFull() for _ in batch[room:])]
