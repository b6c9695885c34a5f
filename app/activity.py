"""Time of a service's last request, for the autoscaler that keeps one instance without requests (requirement K10).

A request sets a mark in memory and no more. A task of the process writes the mark down, at most once a minute, so that
what cannot be written costs no request its answer.
"""

import asyncio
import time
from typing import Final

import structlog
from sqlalchemy import text

from app.database import Database, DatabaseUnavailable

EVERY_SECONDS: Final = 60.0
"""A process writes no more often; stacks.specs.idling has the same number for who reads it."""
AGAIN_SECONDS: Final = 5.0
"""Pause after a write that failed."""
_LOG = structlog.get_logger("app.activity")
_KEEP: Final = text(
    "INSERT INTO activity (service, asked_at) VALUES (:service, clock_timestamp() - make_interval(secs => :ago))"
    " ON CONFLICT (service) DO UPDATE SET asked_at = greatest(activity.asked_at, excluded.asked_at)"
)


class Activity:
    """Requests of one process, of which only the last one's time matters."""

    def __init__(self, database: Database, service: str, every_seconds: float = EVERY_SECONDS) -> None:
        self._database = database
        self._service = service
        self._every_seconds = every_seconds
        self._asked_at = 0.0
        self._asked = asyncio.Event()

    def note(self) -> None:
        """A request has come."""
        self._asked_at = time.monotonic()
        self._asked.set()

    async def follow(self) -> None:
        """Write until cancelled; the first request of a calm at once, and later ones together."""
        while True:
            await self._asked.wait()
            await asyncio.sleep(self._every_seconds if await self._kept() else AGAIN_SECONDS)

    async def _kept(self) -> bool:
        """True when the last request's time is in the database; without one it is still to be written."""
        self._asked.clear()
        try:
            async with self._database.write() as connection:
                ago = time.monotonic() - self._asked_at
                await connection.execute(_KEEP, {"service": self._service, "ago": ago})
        except DatabaseUnavailable as error:
            self._asked.set()
            _LOG.warning("the time of the last request is not written", error=str(error))
            return False
        return True
