"""Pictures in the database, beside the jobs they are for. A row without a file is a picture that was asked for."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update

from app.blog_ai.pictures.stability import Picture
from app.blog_ai.tables import pictures
from app.database import Database
from app.ids import JobId


@dataclass(frozen=True)
class Kept:
    """A picture as it is stored.

    media_type: its type.
    etag: hash of the file, in the quotes of the header.
    """

    media_type: str
    etag: str


class PictureStore:
    """Reads and writes of pictures. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def asked_for(self, job: JobId) -> bool:
        """True if a picture of the job was asked for."""
        rows = await self._database.rows(select(pictures.c.job_id).where(_of(job)), fresh=True)
        return bool(rows)

    async def kept(self, job: JobId) -> Kept | None:
        """The job's picture, when it was made."""
        statement = select(pictures.c.media_type, pictures.c.etag).where(_of(job), pictures.c.body.is_not(None))
        row = next(iter(await self._database.rows(statement, fresh=True)), None)
        return None if row is None else Kept(row.media_type, row.etag)

    async def body(self, job: JobId) -> bytes | None:
        """The file."""
        rows = await self._database.rows(select(pictures.c.body).where(_of(job)), fresh=True)
        return next((row.body for row in rows), None)

    async def keep(self, job: JobId, picture: Picture) -> Kept:
        """Store a picture; nothing where its job was erased or deleted meanwhile."""
        made = Kept(picture.media_type, f'"{hashlib.sha256(picture.body).hexdigest()}"')
        values = {"media_type": made.media_type, "etag": made.etag, "body": picture.body}
        async with self._database.write() as connection:
            await connection.execute(update(pictures).where(_of(job)).values(values))
        return made


def _of(job: JobId) -> ColumnElement[bool]:
    return pictures.c.job_id == str(job)
