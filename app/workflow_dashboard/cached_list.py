"""The first page of all workflows, kept in Redis under ``workflows:all`` for 300 s (B05) and dropped by every change.

A list is kept under a lease: who found none sets its own token, reads the database, and stores the list only while the
token is still there. A change deletes list and token after its commit, so a list that was read before the commit is
never stored after it. The list is read from the replica once that has replayed what the primary had written when the
lease was taken, else from the primary, so a replica that lags cannot bring back what was before.

A change that cannot reach Redis is remembered and dropped again every second until it can; meanwhile another process
that does reach Redis shows the list of before, for 300 s at most; so it is after a process was killed between a commit
and the drop. Redis never decides whether a request is answered.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import uuid4

from redis.asyncio import Redis

from app.batch import MOST_WAITING, Batcher, OverloadedError
from app.database import OutcomeUnknown
from app.redis_link import RedisDown, RedisLink
from app.telemetry.metrics import CACHE

KEY: Final = "workflows:all"
SECONDS: Final = 300
LEASE: Final = f"{{{KEY}}}:lease"
"""Of the same slot as the list in a Redis cluster, because one script uses both."""
LEASE_SECONDS: Final = 30
"""Longer than a list is read (DATABASE_STATEMENT_TIMEOUT_SECONDS a statement); the lease of a process that died blocks
storing for so long, and nothing else.
"""
RETRY_SECONDS: Final = 1.0

_STORE: Final = """
if redis.call('get', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('setex', KEYS[1], ARGV[3], ARGV[2])
redis.call('del', KEYS[2])
return 1
"""


@dataclass(frozen=True)
class Listing:
    """A list as JSON; ``current`` if it has every change that was committed before it was asked for."""

    body: str
    current: bool


class Source(Protocol):
    """Origin of a list when none is kept."""

    async def read(self) -> Listing:
        """The list as it is now. Raises DatabaseUnavailable."""
        ...


class CachedList:
    """The list of one deployment."""

    def __init__(self, link: RedisLink, source: Source) -> None:
        self._link = link
        self._source = source
        self._filling: asyncio.Task[tuple[str, bool]] | None = None
        self._begun = 0
        self._changes = 0
        self._dropping: Batcher[int, None] = Batcher(self._drop, MOST_WAITING)
        self._dropped = 0

    async def get(self) -> str:
        """The list as JSON, with every change that was dropped before the call. Raises DatabaseUnavailable."""
        try:
            kept = await self._link.ask(lambda client: client.get(KEY))
        except RedisDown:
            return (await self._source.read()).body
        CACHE.labels("redis", "hit" if kept is not None else "miss").inc()
        return str(kept) if kept is not None else await self._fill_together()

    async def _fill_together(self) -> str:
        """One reading for all who wait in this process. One that began before a caller came is good for it only if no
        change overtook it, which the lease says; the next one is good whatever becomes of it.
        """
        arrived = self._begun
        while True:
            if self._filling is None:
                self._begun += 1
                self._filling = asyncio.create_task(self._fill())
                self._filling.add_done_callback(self._filled)
            number = self._begun
            body, stored = await asyncio.shield(self._filling)
            if stored or number > arrived:
                return body

    def _filled(self, _: "asyncio.Task[tuple[str, bool]]") -> None:
        self._filling = None

    async def _fill(self) -> tuple[str, bool]:
        """The list, and whether it was stored."""
        token = uuid4().hex
        try:
            leased = await self._link.ask(lambda client: client.set(LEASE, token, nx=True, ex=LEASE_SECONDS))
        except RedisDown:
            leased = None
        found = await self._source.read()
        if not (leased and found.current):
            return found.body, False
        try:
            return found.body, await self._link.ask(lambda client: _store(client, token, found.body))
        except RedisDown:
            return found.body, False

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """A change of the database, committed within the block; the list is dropped at its end. A commit whose answer
        was lost may have been made, or may be made a moment later, so that is dropped twice. A block that failed
        otherwise has changed nothing.
        """
        try:
            yield
        except OutcomeUnknown:
            await self._changed()
            # Again by ``follow``.
            self._changes += 1
            raise
        except asyncio.CancelledError:
            await self._changed()
            raise
        await self._changed()

    async def _changed(self) -> None:
        self._changes += 1
        await self.drop()

    async def drop(self) -> None:
        """Drop the list, and the lease of every reading under way; ``follow`` repeats it when Redis is away. Changes
        that end at the same time share a drop, which begins after each of them.
        """
        with suppress(RedisDown, OverloadedError):
            await self._dropping.ask(self._changes)

    async def _drop(self, changes: Sequence[int]) -> Sequence[None]:
        await self._link.ask(lambda client: client.delete(KEY, LEASE))
        self._dropped = max(self._dropped, *changes)
        return [None] * len(changes)

    async def follow(self) -> None:
        """Repeat what could not be dropped, until cancelled."""
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            if self._dropped < self._changes:
                await self.drop()


async def _store(client: Redis, token: str, body: str) -> bool:
    return bool(await client.eval(_STORE, 2, KEY, LEASE, token, body, str(SECONDS)))  # type: ignore[misc]
