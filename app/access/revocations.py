"""Revoked keys and sessions, known to every process within two seconds (E03, E12, E06).

Kept in the database, read incrementally by each process (app.watch), and carried to the other regions with the keys
(app.access.replication). Redis has no part in it, and neither has a replica. A process that could not read for
``STALE_SECONDS`` accepts no credentials at all: what was revoked meanwhile it cannot know.
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

STALE_SECONDS: Final = 5.0
LATE_SECONDS: Final = 2.0
"""A reading that is late by no more than this is waited for: a pooler that is replaced loses one look, not a client."""
KEPT: Final = timedelta(hours=25)
"""Longer than any session lives, so a key's revocation outlasts every session that was made from it."""
_OVERLAP: Final = timedelta(seconds=60)
"""Rows carry the time at which their transaction began, and become visible when it ends."""

_NEW: Final = text("SELECT id, expires_at FROM revocations WHERE revoked_at > :since AND expires_at > now()")
_REVOKE: Final = text(
    "INSERT INTO revocations (id, expires_at) SELECT id, now() + cast(:kept AS interval)"
    " FROM unnest(cast(:ids AS text[])) AS id ON CONFLICT (id) DO NOTHING"
)


def key_name(key_id: str) -> str:
    """A key's name among revocations."""
    return f"key:{key_id}"


def session_name(session_id: str) -> str:
    """A session's."""
    return f"session:{session_id}"


class Revocations:
    """Revocations known to one process."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}
        self._since = datetime.fromtimestamp(0, UTC)
        self._read_at = float("-inf")
        self._next = asyncio.Event()

    @property
    def current(self) -> bool:
        """True if the process may accept credentials now."""
        return time.monotonic() - self._read_at <= STALE_SECONDS

    async def caught_up(self) -> bool:
        """The same, once a reading that is late has come; at once when it is later than ``LATE_SECONDS``."""
        while not self.current:
            left = self._read_at + STALE_SECONDS + LATE_SECONDS - time.monotonic()
            if left <= 0:
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._next.wait()
        return True

    def denies(self, *names: str) -> bool:
        """True if one of them was revoked."""
        return any(name in self._until for name in names)

    def add(self, *names: str) -> None:
        """Known here at once; the other processes read it."""
        self._until.update(dict.fromkeys(names, datetime.now(UTC) + KEPT))

    async def read(self, connection: AsyncConnection, moment: datetime) -> None:
        """Take in what is new, and forget what has expired by ``moment``, the database's clock."""
        rows = (await connection.execute(_NEW, {"since": self._since})).all()
        self._until.update((row.id, row.expires_at) for row in rows)
        self._until = {name: until for name, until in self._until.items() if until > moment}
        self._since = moment - _OVERLAP
        self._read_at = time.monotonic()
        self._next.set()
        self._next = asyncio.Event()


async def revoke(connection: AsyncConnection, names: Iterable[str]) -> None:
    """Record revocations in the caller's transaction."""
    await connection.execute(_REVOKE, {"ids": list(names), "kept": KEPT})
