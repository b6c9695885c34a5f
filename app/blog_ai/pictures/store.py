"""Pictures in the database, beside the jobs they are for. A row without a file is a picture that was asked for."""

import hashlib

from sqlalchemy import ColumnElement, select, update

from app.blog_ai.tables import pictures
from app.database import Database
from app.ids import JobId


class PictureStore:
    """Reads and writes of pictures. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def asked_for(self, job: JobId) -> bool:
        """True if a picture of the job was asked for."""
        rows = await self._database.rows(select(pictures.c.job_id).where(_of(job)), fresh=True)
        return bool(rows)

    async def kept(self, job: JobId) -> str | None:
        """ETag of the job's picture, when it was made."""
        rows = await self._database.rows(select(pictures.c.etag).where(_of(job)), fresh=True)
        return next((row.etag for row in rows), None)

    async def body(self, job: JobId) -> bytes | None:
        """The file."""
        rows = await self._database.rows(select(pictures.c.body).where(_of(job)), fresh=True)
        return next((row.body for row in rows), None)

    async def keep(self, job: JobId, picture: bytes) -> str:
        """Store a picture, nowhere if its job was erased or deleted meanwhile; gives its ETag."""
        etag = f'"{hashlib.sha256(picture).hexdigest()}"'
        async with self._database.write() as connection:
            await connection.execute(update(pictures).where(_of(job)).values(etag=etag, body=picture))
        return etag


def _of(job: JobId) -> ColumnElement[bool]:
    return pictures.c.job_id == str(job)
