"""Videos in the bucket that belong to nothing any more."""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.chores import Chore
from app.video.settings import VideoSettings
from app.video.shelf import FOLDER, shelf_of

ORPHAN_AGE: Final = timedelta(days=1)
"""An object that no row names may belong to a video that is being stored; a day later it does not."""


def temporary_files(settings: VideoSettings, table: str) -> Chore:
    """Delete videos that no row of the table names: of attempts that were overtaken, and of what was deleted."""

    async def work(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
        named_by = text(f"SELECT key FROM {table} WHERE key = ANY(:keys)")  # noqa: S608  a name of ours
        shelf = shelf_of(settings)
        if shelf is None:
            return 0, "no VIDEO_BUCKET"
        before = datetime.now(UTC) - ORPHAN_AGE
        there = [one.key for one in shelf.bucket.listed(FOLDER) if one.changed_at < before]
        named = (await connection.execute(named_by, {"keys": there})).scalars()
        orphans = sorted(set(there) - set(named))
        if orphans and not dry_run:
            await shelf.drop(orphans)
        return len(orphans), ", ".join(orphans[:10])

    return Chore("temporary files", work)
