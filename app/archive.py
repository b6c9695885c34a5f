"""The archive (K17): rows are written to S3, read back and compared, and only then dropped from the database.

One object is a gzip of JSON lines, named by its kind, its day and its content; the table ``archives`` lists them. A run
that is cut off between writing and dropping writes the same rows again the next time: twice in the archive, never lost.
"""

import asyncio
import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.bucket import Bucket
from app.chores import Chore
from app.video.settings import VideoSettings

FOLDER: Final = "archive/"
BATCH_ROWS: Final = 2000
"""Rows of one object; a recipe has about 2 KB, so so many are in memory."""


archives = Table(
    "archives",
    MetaData(),
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)


class ArchiveFailed(Exception):
    """An object of the archive could not be confirmed; nothing was dropped."""


@dataclass(frozen=True)
class Archiving:
    """Rows of ``table`` that meet ``condition``, named by ``identity``; ``drop`` takes ``:ids`` of them."""

    name: str
    kind: str
    table: str
    identity: str
    condition: str
    drop: str

    def chore(self, settings: VideoSettings) -> Chore:
        """The chore, with this deployment's bucket."""

        async def work(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
            if dry_run:
                counted = text(f"SELECT count(*) FROM {self.table} WHERE {self.condition}")  # noqa: S608  own constants
                return (await connection.execute(counted)).scalar_one(), f"{self.table} where {self.condition}"
            return await self._archive(connection, settings)

        return Chore(self.name, work)

    async def _archive(self, connection: AsyncConnection, settings: VideoSettings) -> tuple[int, str]:
        batch = text(
            f"SELECT {self.identity} AS id, to_jsonb(r) AS row FROM {self.table} r"  # noqa: S608  own constants
            f" WHERE {self.condition} ORDER BY 1 LIMIT {BATCH_ROWS}"
        )
        done, keys = 0, list[str]()
        while rows := (await connection.execute(batch)).all():
            kept = await self._kept(connection, settings, [row.row for row in rows])
            ids = [row.id for row in rows]
            dropped = (await connection.execute(text(self.drop), {"ids": ids})).rowcount
            if dropped < len(ids):
                raise ArchiveFailed(f"{dropped} of {len(ids)} rows of {self.table} were dropped after {kept}")
            done += len(ids)
            keys.append(kept)
        return done, ", ".join(keys)

    async def _kept(self, connection: AsyncConnection, settings: VideoSettings, rows: list[dict[str, object]]) -> str:
        """Write rows to the bucket, and confirm them; the object's key. Raises ArchiveFailed."""
        bucket = bucket_of(settings)
        lines = "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows)
        digest = hashlib.sha256(lines.encode()).hexdigest()
        key = f"{FOLDER}{self.kind}/{datetime.now(UTC):%Y-%m-%d}/{digest[:16]}.jsonl.gz"
        await asked(lambda: bucket.put(key, gzip.compress(lines.encode(), mtime=0)), bucket)
        found: list[bytes] = []
        await asked(lambda: found.append(bucket.get(key)), bucket)
        confirm(key, found[0], digest)
        values = {"key": key, "kind": self.kind, "rows": len(rows), "sha256": digest}
        await connection.execute(_LISTED, values)
        return key


def confirm(key: str, body: bytes, digest: str) -> None:
    """The archive gives back what it was given. Raises ArchiveFailed."""
    try:
        read = hashlib.sha256(gzip.decompress(body)).hexdigest()
    except (OSError, EOFError) as error:
        raise ArchiveFailed(f"{key} cannot be read back: {type(error).__name__}; nothing was dropped") from error
    if read != digest:
        raise ArchiveFailed(f"{key} has SHA-256 {read}, written was {digest}; nothing was dropped")


def bucket_of(settings: VideoSettings) -> Bucket:
    """The bucket of the archive. Raises ArchiveFailed where none is named."""
    name = settings.archive_bucket or settings.backup_bucket
    if not name:
        raise ArchiveFailed("ARCHIVE_BUCKET is not set, nor is BACKUP_BUCKET; name the bucket of the archive")
    region = settings.archive_bucket_region if settings.archive_bucket else settings.backup_bucket_region
    return Bucket(name, region or settings.region)


async def asked(work: Callable[[], None], bucket: Bucket) -> None:
    """A call to S3 beside the event loop. Raises ArchiveFailed."""
    try:
        await asyncio.to_thread(work)
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise ArchiveFailed(f"s3://{bucket.name}: {type(error).__name__}: {str(error)[:300]}") from error


_LISTED: Final = text(
    "INSERT INTO archives (key, kind, rows, sha256) VALUES (:key, :kind, :rows, :sha256) ON CONFLICT (key) DO NOTHING"
)
