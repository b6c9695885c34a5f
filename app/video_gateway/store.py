"""Videos as their owners may see and change them: every statement acts as the owner (row-level security), so a
forgotten condition shows no other client's rows.
"""

from datetime import timedelta

from sqlalchemy import Row, delete, func, or_, select

from app.access.owners import NotFound, act_for_ourselves, acting_for
from app.database import Database
from app.ids import JobId
from app.lists import JobLists
from app.queue import withdraw
from app.queue_names import Queue
from app.replica import may_be_behind
from app.video_gateway.models import VideoView
from app.video_gateway.tables import videos


class VideoStore:
    """Videos of one database."""

    def __init__(self, database: Database, lists: JobLists, video_days: int) -> None:
        """A video is gone ``video_days`` after it was made, by the bucket's own rule."""
        self._database = database
        self._lists = lists
        there = or_(videos.c.finished_at.is_(None), videos.c.finished_at > func.now() - timedelta(days=video_days))
        self._there = select(videos).where(there)

    async def get(self, owner: str, video: JobId) -> "Row[tuple[object, ...]]":
        """The row of one video, from the replica once it must be there. Raises NotFound."""
        statement = self._there.where(videos.c.id == str(video))
        rows = await self._database.rows(statement, first=acting_for(owner), fresh=may_be_behind(video))
        if not rows:
            raise NotFound
        return rows[0]

    async def page(self, owner: str, limit: int, before: JobId | None = None) -> list[VideoView]:
        """Newest first; those made before another one, if asked for, from the replica. The first page is kept until one
        of its videos changes (app.lists), so it is read from the primary.
        """
        statement = self._there.order_by(videos.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(videos.c.id < str(before))
        rows = await self._database.rows(statement, first=acting_for(owner), fresh=before is None)
        return [VideoView.model_validate(row) for row in rows]

    async def delete(self, owner: str, video: JobId) -> str | None:
        """Delete a video, and end its rendering; the key of its object, if there is one. Raises NotFound."""
        async with self._database.write() as connection:
            await connection.execute(acting_for(owner))
            gone = delete(videos).where(videos.c.id == str(video)).returning(videos.c.key)
            row = (await connection.execute(gone)).one_or_none()
            if row is None:
                raise NotFound
            await act_for_ourselves(connection)
            await withdraw(connection, video, Queue.VIDEOS)
        await self._lists.changed(owner)
        return None if row.key is None else str(row.key)
