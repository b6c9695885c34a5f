"""Acceptance of recipes: row, user and place in the queue commit together (app.queued_intake)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Database
from app.domain import Priority
from app.ids import JobId
from app.lists import JobLists
from app.queue_names import Queue
from app.queued_intake import QueuedIntake
from app.recipe_app.models import Complexity, NewRecipe

PRIORITY: Final = {Complexity.SIMPLE: Priority.SPEED, Complexity.DEMANDING: Priority.BALANCED}
"""A simple recipe is done at once, so it need not wait behind demanding ones."""


@dataclass(frozen=True)
class Submission:
    """A validated request on its way to becoming a job."""

    id: JobId
    owner: str
    asked: NewRecipe
    request_id: str | None = None


class RecipeIntake(QueuedIntake[Submission]):
    """Accepts recipes."""

    _queue: ClassVar[Queue] = Queue.TEXTS

    def __init__(self, database: Database, lists: JobLists, expiry_seconds: int, queue_limit: int) -> None:
        super().__init__(database, lists, queue_limit)
        self._expiry = timedelta(seconds=expiry_seconds)

    def _priority(self, entry: Submission) -> Priority:
        return PRIORITY[entry.asked.complexity]

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
