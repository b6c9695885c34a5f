"""Migrations of content generation: alembic's revisions, the queue's own schema, and the partitions of jobs ahead."""

from datetime import UTC, datetime
from typing import Final

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from sqlalchemy.ext.asyncio import AsyncConnection

from app import partitions
from app.catalogue import migration_of
from app.history import History


async def _queue_and_partitions(connection: AsyncConnection) -> tuple[str, ...]:
    await install_queue(connection, CONTENT)
    made = await connection.run_sync(partitions.create_ahead, datetime.now(UTC))
    await connection.commit()
    return made


async def install_queue(connection: AsyncConnection, history: History) -> None:
    """pgqueuer's own schema, made or brought up to date. The queue changes with the release that owns the schema: a
    database of a newer one has a newer queue.
    """
    applied = await migration_of(connection)
    if applied is None or applied <= history.head():
        raw = (await connection.get_raw_connection()).driver_connection
        queue = Queries(AsyncpgDriver(raw))  # type: ignore[arg-type]
        if await queue.schema_is_installed():
            await queue.upgrade()
        else:
            await queue.install()
    await connection.commit()


CONTENT: Final = History("content-generation", "app.migrations", "jobs", _queue_and_partitions)
