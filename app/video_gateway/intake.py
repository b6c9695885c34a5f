"""Acceptance of videos: row and place in the queue commit together (app.queued_intake)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Database
from app.domain import Priority
from app.ids import JobId
from app.lists import JobLists
from app.queue_names import Queue
from app.queued_intake import QueuedIntake
from app.video_gateway.models import NewVideo, Urgency

PLACE: Final[Mapping[Urgency, Priority]] = MappingProxyType(
    {Urgency.HIGH: Priority.SPEED, Urgency.NORMAL: Priority.BALANCED, Urgency.LOW: Priority.COST}
)
"""Place of each urgency in the queue, by whose patience its jobs are ranked (app.queue)."""


@dataclass(frozen=True)
class Submission:
    """A validated request on its way to becoming a job."""

    id: JobId
    owner: str
    asked: NewVideo
    request_id: str | None = None


class VideoIntake(QueuedIntake[Submission]):
    """Accepts videos."""

    _queue: ClassVar[Queue] = Queue.VIDEOS

    def __init__(self, database: Database, lists: JobLists, expiry_seconds: int, queue_limit: int) -> None:
        super().__init__(database, lists, queue_limit)
        self._expiry = timedelta(seconds=expiry_seconds)

    def _priority(self, entry: Submission) -> Priority:
        return PLACE[entry.asked.priority]

    async def _insert(self, connection: AsyncConnection, batch: Sequence[Submission]) -> None:
        rows = json.dumps([_row(entry) for entry in batch])
        await connection.execute(_INSERT, {"rows": rows, "life": self._expiry})


def _row(entry: Submission) -> dict[str, object]:
    return {
        "id": str(entry.id),
        "created_at": entry.id.created_at.isoformat(),
        "owner": entry.owner,
        "prompt": entry.asked.prompt,
        "seconds": entry.asked.seconds,
        "priority": entry.asked.priority,
        "request_id": entry.request_id,
    }


# When a job expires is the database's clock's business: a wrong clock of ours must not let an accepted job expire.
_INSERT: Final = text(
    "INSERT INTO generated_videos (id, created_at, owner, prompt, seconds, priority, request_id, expires_at)"
    " SELECT id, created_at, owner, prompt, seconds, priority, request_id, now() + cast(:life AS interval)"
    " FROM jsonb_to_recordset(cast(:rows AS jsonb)) AS new (id text, created_at timestamptz, owner text, prompt text,"
    " seconds integer, priority text, request_id text)"
)
