"""Acceptance of recipes: row, user and place in the queue commit together (app.queued_intake)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from sqlalchemy import TextClause

from app.domain import Priority
from app.ids import JobId
from app.queue_names import Queue
from app.queued_intake import QueuedIntake, storing
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
    # Users in one order everywhere, so that two batches with the same ones never wait for each other.
    _statement: ClassVar[TextClause] = storing(
        "id text, created_at timestamptz, owner text, wanted jsonb, servings integer, diet text, complexity text,"
        " request_id text",
        ", seen AS (INSERT INTO users AS known (client_id) SELECT DISTINCT owner FROM accepted ORDER BY owner"
        " ON CONFLICT (client_id) DO UPDATE SET last_seen_at = now()"
        " WHERE known.last_seen_at < now() - interval '1 minute')"
        " INSERT INTO recipes (id, created_at, owner, wanted, servings, diet, complexity, request_id, expires_at)"
        " SELECT id, created_at, owner, wanted, servings, diet, complexity, request_id, now() + cast(:life AS interval)"
        " FROM accepted RETURNING id",
    )

    def _priority(self, entry: Submission) -> Priority:
        return PRIORITY[entry.asked.complexity]

    def _row(self, entry: Submission) -> Mapping[str, object]:
        asked = entry.asked
        return {
            "wanted": asked.ingredients,
            "servings": asked.servings,
            "diet": asked.diet,
            "complexity": asked.complexity,
            "request_id": entry.request_id,
        }
