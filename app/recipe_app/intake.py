"""Acceptance of recipes: row, user and place in the queue commit together, many requests in one transaction.

Requests share commits (app.batch), so the price of a durable commit is paid once for many of them; a request is
answered after its own commit. Within a batch the queue's limit is kept exactly; processes that commit at the same
moment may pass it by a batch each.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.batch import Batcher
from app.database import Database
from app.domain import Priority
from app.ids import JobId
from app.limits import PENDING_SECONDS, PENDING_SUBMISSIONS
from app.lists import JobLists
from app.queue import QueueFull, depth, enqueue
from app.queue_names import Queue
from app.recipe_app.models import Complexity, NewRecipe

BATCH: Final = 200
COMMITS: Final = 3
"""Transactions at once: one is gathered, one is at the database, one waits for its disk."""
PRIORITY: Final = {Complexity.SIMPLE: Priority.SPEED, Complexity.DEMANDING: Priority.BALANCED}
"""A simple recipe is done at once, so it need not wait behind demanding ones."""


@dataclass(frozen=True)
class Submission:
    """A validated request on its way to becoming a job."""

    id: JobId
    owner: str
    asked: NewRecipe
    request_id: str | None = None


Outcome = JobId | QueueFull


class RecipeIntake:
    """Accepts recipes."""

    def __init__(self, database: Database, lists: JobLists, expiry_seconds: int, queue_limit: int) -> None:
        self._database = database
        self._lists = lists
        self._expiry = timedelta(seconds=expiry_seconds)
        self._limit = queue_limit
        self._batcher: Batcher[Submission, Outcome] = Batcher(
            self._commit, BATCH, at_once=COMMITS, most=PENDING_SUBMISSIONS, patience=PENDING_SECONDS
        )

    async def accept(self, submission: Submission) -> JobId:
        """Store and enqueue one recipe. Raises QueueFull, OverloadedError and DatabaseUnavailable (nothing was stored
        then, unless it is an OutcomeUnknown).
        """
        outcome = await self._batcher.ask(submission)
        if isinstance(outcome, QueueFull):
            raise outcome
        return outcome

    async def _commit(self, batch: Sequence[Submission]) -> list[Outcome]:
        async with self._database.write() as connection:
            room = max(0, self._limit - (await depth(connection, Queue.TEXTS)).waiting)
            taken = batch[:room]
            if taken:
                await self._insert(connection, taken)
                places = [(entry.id, PRIORITY[entry.asked.complexity]) for entry in taken]
                await enqueue(connection, places, Queue.TEXTS)
        await self._lists.changed(*{entry.owner for entry in taken})
        return [*(entry.id for entry in taken), *(QueueFull() for _ in batch[room:])]

    async def _insert(self, connection: AsyncConnection, batch: Sequence[Submission]) -> None:
        # In one order everywhere, so that two batches with the same users never wait for each other.
        owners = sorted({entry.owner for entry in batch})
        await connection.execute(_SEEN, {"owners": owners})
        rows = json.dumps([_row(entry) for entry in batch])
        await connection.execute(_INSERT, {"rows": rows, "life": self._expiry})


def _row(entry: Submission) -> dict[str, object]:
    asked = entry.asked
    return {
        "id": str(entry.id),
        "created_at": entry.id.created_at.isoformat(),
        "owner": entry.owner,
        "wanted": asked.ingredients,
        "servings": asked.servings,
        "diet": asked.diet,
        "complexity": asked.complexity,
        "request_id": entry.request_id,
    }


_SEEN: Final = text(
    "INSERT INTO users AS known (client_id) SELECT unnest(cast(:owners AS text[])) ON CONFLICT (client_id) DO UPDATE"
    " SET last_seen_at = now() WHERE known.last_seen_at < now() - interval '1 minute'"
)
# When a job expires is the database's clock's business: a wrong clock of ours must not let an accepted job expire.
_INSERT: Final = text(
    "INSERT INTO recipes (id, created_at, owner, wanted, servings, diet, complexity, request_id, expires_at)"
    " SELECT id, created_at, owner, wanted, servings, diet, complexity, request_id, now() + cast(:life AS interval)"
    " FROM jsonb_to_recordset(cast(:rows AS jsonb)) AS new (id text, created_at timestamptz, owner text, wanted jsonb,"
    " servings integer, diet text, complexity text, request_id text)"
)
