"""Acceptance of videos: row and place in the queue commit together (app.queued_intake)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from sqlalchemy import TextClause

from app.domain import Priority
from app.ids import JobId
from app.queue_names import Queue
from app.queued_intake import QueuedIntake, storing
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
    _statement: ClassVar[TextClause] = storing(
        "id text, created_at timestamptz, owner text, prompt text, seconds integer, priority text, request_id text",
        "INSERT INTO generated_videos (id, created_at, owner, prompt, seconds, priority, request_id, expires_at)"
        " SELECT id, created_at, owner, prompt, seconds, priority, request_id, now() + cast(:life AS interval)"
        " FROM accepted RETURNING id",
    )

    def _priority(self, entry: Submission) -> Priority:
        return PLACE[entry.asked.priority]

    def _row(self, entry: Submission) -> Mapping[str, object]:
        asked = entry.asked
        return {
            "prompt": asked.prompt,
            "seconds": asked.seconds,
            "priority": asked.priority,
            "request_id": entry.request_id,
        }
