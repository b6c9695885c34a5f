"""The first page of each owner's jobs, kept for five minutes (B03) and forgotten as soon as one of them changes.

A list is kept under the version that was in force before it was read. Every change of a job raises the version, so a
list that was read a moment too early is never found again, and nothing has to be searched and deleted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Final

import redis.asyncio as redis

from app.cache import Cache
from app.redis_link import RedisDown, RedisLink

SECONDS: Final = 300
VERSION_SECONDS: Final = 2 * SECONDS
"""Lifetime of a version: after it every list that was kept under the version has expired."""
AT_ONCE: Final = 500
RETRY_SECONDS: Final = 1.0


class JobLists:
    """Lists by owner; without Redis none is kept."""

    def __init__(self, cache: Cache, link: RedisLink) -> None:
        self._cache = cache
        self._link = link
        self._untold: set[str] = set()

    async def name(self, owner: str) -> str | None:
        """Cache key of the owner's list; None while its freshness cannot be known."""
        try:
            version = await self._link.ask(lambda client: client.get(_version(owner)), _version(owner))
        except RedisDown:
            return None
        return f"jobs:{owner}:{version or 0}"

    async def get(self, name: str) -> str | None:
        """The list that was kept."""
        return await self._cache.get(name)

    async def keep(self, name: str, body: str) -> None:
        """Keep a list that was read after its name."""
        await self._cache.put(name, body, SECONDS)

    async def kept(self, owner: str, read: Callable[[], Awaitable[str]]) -> str:
        """The owner's list, read anew and kept where none is kept."""
        name = await self.name(owner)
        kept = await self.get(name) if name else None
        if kept is None:
            kept = await read()
            if name:
                await self.keep(name, kept)
        return kept

    async def changed(self, *owners: str) -> None:
        """Invalidate the lists of these owners, one of whose jobs has changed. What fails is repeated when Redis is
        back.
        """
        self._untold.update(owners)
        while self._untold:
            some = {_version(owner): owner for owner in islice(self._untold, AT_ONCE)}
            reached = await self._link.ask_each(some, _raise_versions)
            self._untold.difference_update(some[version] for version in reached)
            if len(reached) < len(some):
                return

    async def follow(self) -> None:
        """Repeat failed invalidations until cancelled."""
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            await self.changed()


async def _raise_versions(client: redis.Redis, versions: Iterable[str]) -> None:
    async with client.pipeline(transaction=False) as commands:
        for version in versions:
            commands.incr(version)
            commands.expire(version, VERSION_SECONDS)
        await commands.execute()


def _version(owner: str) -> str:
    return f"jobs-version:{owner}"
