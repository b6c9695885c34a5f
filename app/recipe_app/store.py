"""Recipes and their videos as their owners may see and change them: every statement acts as the owner (row-level
security), so a forgotten condition shows no other client's rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Executable, Row, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.access.owners import NotFound, act_for_ourselves, acting_for
from app.database import Database
from app.domain import Priority
from app.ids import JobId
from app.lists import JobLists
from app.queue import QueueFull, depth, enqueue, withdraw
from app.queue_names import Queue
from app.recipe_app.models import Amount, RecipeStatus, RecipeView
from app.recipe_app.tables import recipes, videos
from app.replica import may_be_behind


class NotReady(Exception):
    """A video can only be made of a recipe that is ready."""


@dataclass(frozen=True)
class Video:
    """A video as it is stored; ``key`` is its object in the bucket once it is ready."""

    status: RecipeStatus
    key: str | None
    bytes: int | None
    error: str | None


class RecipeStore:
    """Recipes of one database."""

    def __init__(
        self, database: Database, lists: JobLists, expiry_seconds: int, queue_limit: int, video_days: int
    ) -> None:
        """A video is gone ``video_days`` after it was made, by the bucket's own rule."""
        self._database = database
        self._lists = lists
        self._expiry = timedelta(seconds=expiry_seconds)
        self._limit = queue_limit
        self._there = or_(
            videos.c.finished_at.is_(None), videos.c.finished_at > func.now() - timedelta(days=video_days)
        )
        self._shown = select(recipes, videos.c.status.label("video")).select_from(
            recipes.outerjoin(videos, and_(videos.c.id == recipes.c.id, self._there))
        )

    async def get(self, owner: str, recipe: JobId) -> RecipeView:
        """One recipe. Raises NotFound."""
        return view_of(await self._row(owner, recipe, self._shown.where(recipes.c.id == str(recipe))))

    async def page(self, owner: str, limit: int, before: JobId | None = None) -> list[RecipeView]:
        """Newest first; those made before another one, if asked for."""
        statement = self._shown.order_by(recipes.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(recipes.c.id < str(before))
        return [view_of(row) for row in await self._database.rows(statement, first=acting_for(owner), fresh=True)]

    async def delete(self, owner: str, recipe: JobId) -> str | None:
        """Delete a recipe with its video, and take both out of their queues; the key of the video's object, if there
        is one. Raises NotFound.
        """
        async with self._database.write() as connection:
            await connection.execute(acting_for(owner))
            made = delete(videos).where(videos.c.id == str(recipe)).returning(videos.c.key)
            key = (await connection.execute(made)).scalar()
            gone = await connection.execute(delete(recipes).where(recipes.c.id == str(recipe)).returning(recipes.c.id))
            if gone.scalar() is None:
                raise NotFound
            await act_for_ourselves(connection)
            for queue in Queue:
                await withdraw(connection, recipe, queue)
        await self._lists.changed(owner)
        return key

    async def order_video(self, owner: str, recipe: JobId) -> RecipeStatus:
        """Have a video made; one that is there or under way is not made again, one that failed or is gone is. Raises
        NotFound, NotReady and QueueFull.
        """
        async with self._database.write() as connection:
            await connection.execute(acting_for(owner))
            held = select(recipes.c.status, recipes.c.owner).where(recipes.c.id == str(recipe)).with_for_update()
            row = (await connection.execute(held)).one_or_none()
            if row is None:
                raise NotFound
            if row.status != RecipeStatus.READY:
                raise NotReady
            await act_for_ourselves(connection)
            status = await self._ordered(connection, recipe, row.owner)
        await self._lists.changed(owner)
        return status

    async def video(self, owner: str, recipe: JobId) -> Video | None:
        """The video of a recipe; None when none was asked for, or it is gone. Raises NotFound."""
        statement = select(videos.c.status, videos.c.key, videos.c.bytes, videos.c.error)
        found = statement.select_from(recipes.outerjoin(videos, and_(videos.c.id == recipes.c.id, self._there)))
        row = await self._row(owner, recipe, found.where(recipes.c.id == str(recipe)), fresh=True)
        return None if row.status is None else Video(RecipeStatus(row.status), row.key, row.bytes, row.error)

    async def _ordered(self, connection: AsyncConnection, recipe: JobId, owner: str) -> RecipeStatus:
        there = select(videos.c.status).where(videos.c.id == str(recipe), self._there)
        known = (await connection.execute(there)).scalar()
        if known is not None and known != RecipeStatus.FAILED:
            return RecipeStatus(known)
        if (await depth(connection, Queue.VIDEOS)).waiting >= self._limit:
            raise QueueFull
        begun = {"status": RecipeStatus.PENDING, "attempt": 0, "waits": 0, "expires_at": func.now() + self._expiry}
        made = insert(videos).values(id=str(recipe), owner=owner, **begun)
        cleared = {"updated_at": func.now(), "finished_at": None, "error_type": None, "error": None}
        await connection.execute(made.on_conflict_do_update(index_elements=["id"], set_={**begun, **cleared}))
        await enqueue(connection, [(recipe, Priority.BALANCED)], Queue.VIDEOS)
        return RecipeStatus.PENDING

    async def _row(
        self, owner: str, recipe: JobId, statement: Executable, *, fresh: bool = False
    ) -> "Row[tuple[object, ...]]":
        """From the replica where there is one, unless the recipe is too young to be there. Raises NotFound."""
        role = acting_for(owner)
        rows: Sequence[Row[tuple[object, ...]]] = await self._database.rows(statement, first=role, fresh=fresh)
        if not rows and not fresh and may_be_behind(recipe):
            rows = await self._database.rows(statement, first=role, fresh=True)
        if not rows:
            raise NotFound
        return rows[0]


def view_of(row: "Row[tuple[object, ...]]") -> RecipeView:
    """A row of recipes, with the state of its video."""
    text = row.recipe or {}
    return RecipeView(
        id=row.id,
        status=row.status,
        created_at=row.created_at,
        updated_at=row.updated_at,
        wanted=tuple(row.wanted),
        servings=row.servings,
        diet=row.diet,
        complexity=row.complexity,
        title=text.get("title"),
        ingredients=tuple(Amount.as_stored(entry) for entry in text.get("ingredients", ())),
        steps=tuple(text.get("steps", ())),
        minutes=text.get("minutes"),
        note=text.get("note", ""),
        provider=row.provider,
        model=row.model,
        video=row.video,
        error=row.error,
    )
