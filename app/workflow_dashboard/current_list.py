"""The newest workflows of all clients as they are now, from the replica when it is up to date (B02)."""

import asyncio
import time
from typing import Final

import structlog
from pydantic import TypeAdapter
from sqlalchemy import text

from app.database import Database, DatabaseUnavailable
from app.workflow_dashboard.cached_list import Listing
from app.workflow_dashboard.models import Workflow
from app.workflow_dashboard.store import WorkflowStore

CATCH_UP_SECONDS: Final = 0.1
"""A replica replays a change within milliseconds; one that takes longer is not waited for."""
PAUSE_SECONDS: Final = 0.01
LISTED: Final = TypeAdapter(list[Workflow])
_LOG = structlog.get_logger("app.workflows")

# Positions in the write-ahead log as numbers of bytes. A server that replays nothing is a primary, and has everything.
_WRITTEN: Final = text("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
_REPLAYED: Final = text("SELECT coalesce((pg_last_wal_replay_lsn() - '0/0')::bigint >= :position, true)")


class CurrentList:
    """Implements app.workflow_dashboard.cached_list.Source."""

    def __init__(self, database: Database, store: WorkflowStore) -> None:
        self._database = database
        self._store = store

    async def read(self) -> Listing:
        """The list with every change that was committed before the call; while the primary is away, the replica's own,
        which is not current. Raises DatabaseUnavailable.
        """
        try:
            position = await self._written()
        except DatabaseUnavailable as error:
            _LOG.warning("the list may be old: the primary does not answer", error=str(error))
            async with self._database.read() as connection:
                return Listing(_shown(await self._store.first_page(connection)), current=False)
        found = await self._replayed(position)
        if found is None:
            async with self._database.read(fresh=True) as connection:
                found = await self._store.first_page(connection)
        return Listing(_shown(found), current=True)

    async def _written(self) -> int:
        async with self._database.read(fresh=True) as connection:
            return int((await connection.execute(_WRITTEN)).scalar_one())

    async def _replayed(self, position: int) -> list[Workflow] | None:
        """From the replica; None when it is late or away."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        try:
            async with self._database.read() as connection:
                while not (await connection.execute(_REPLAYED, {"position": position})).scalar():
                    if time.monotonic() >= deadline:
                        return None
                    await asyncio.sleep(PAUSE_SECONDS)
                return await self._store.first_page(connection)
        except DatabaseUnavailable as error:
            _LOG.info("reading once more", error=str(error))
            return None


def _shown(found: list[Workflow]) -> str:
    return LISTED.dump_json(found).decode()
