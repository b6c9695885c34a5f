"""Two levels of cache: in the process for a minute, in Redis for an hour, forgotten by pattern in all of them (A09).

An invalidation is published, so every process drops its own copies; one that could not be published is kept and sent
when Redis is back, and until then a copy lives for its in-process minute at most.
"""

import asyncio
import json
import time
from collections import OrderedDict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice

from app.redis_link import AWAY, RedisDown, RedisLink
from app.telemetry.metrics import CACHE

PREFIX = "cache:"
CHANNEL = "cache-invalidate"
LOCAL_ENTRIES = 10_000
RECONNECT_SECONDS = 1.0
AT_ONCE = 500
MOST_UNSENT = 10_000
EVERYTHING = "*"


@dataclass(frozen=True)
class _Entry:
    value: str
    until: float


class Cache:
    """Strings by name. Names are made of parts with colons, `jobs:acme:page-1`; patterns are globs, `jobs:acme:*`."""

    def __init__(self, link: RedisLink, local_seconds: int, seconds: int) -> None:
        self._link = link
        self._local_seconds = local_seconds
        self._seconds = seconds
        self._local: OrderedDict[str, _Entry] = OrderedDict()
        self._unsent: set[str] = set()
        self.subscribed = asyncio.Event()

    async def get(self, name: str) -> str | None:
        """The value, from the nearer level that has it."""
        entry = self._local.get(name)
        if entry and entry.until > time.monotonic():
            CACHE.labels("local", "hit").inc()
            return entry.value
        CACHE.labels("local", "miss").inc()
        try:
            value = await self._link.ask(lambda client: client.get(PREFIX + name), PREFIX + name)
        except RedisDown:
            return None
        CACHE.labels("redis", "hit" if value is not None else "miss").inc()
        if value is not None:
            self._keep(name, str(value), self._local_seconds)
        return None if value is None else str(value)

    async def put(self, name: str, value: str, seconds: int | None = None) -> None:
        """Store in both levels for `seconds` (default: the configured lifetime)."""
        lifetime = seconds or self._seconds
        self._keep(name, value, min(lifetime, self._local_seconds))
        try:
            await self._link.ask(lambda client: client.set(PREFIX + name, value, ex=lifetime), PREFIX + name)
        except RedisDown:
            return

    async def invalidate(self, *patterns: str) -> None:
        """Forget every name that fits, here, in Redis and in the other processes."""
        for pattern in patterns:
            self._drop(pattern)
        self._unsent.update(patterns)
        if len(self._unsent) > MOST_UNSENT:
            self._unsent = {EVERYTHING}
        await self._send()

    async def listen(self) -> None:
        """Drop what other processes invalidate, until cancelled; sends what could not be sent before."""
        while True:
            try:
                await self._listen_once()
            except AWAY as error:
                self._link.failed(error)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        async with self._link.listening(CHANNEL) as channel:
            if channel is None:
                return
            # What was published while nobody listened here is unknown, so nothing old is believed.
            self._local.clear()
            self.subscribed.set()
            again = 0.0
            while True:
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=self._link.timeout / 2)
                if message and message["data"]:
                    for pattern in json.loads(message["data"]):
                        self._drop(pattern)
                if self._unsent and time.monotonic() >= again:
                    await self._send()
                    again = time.monotonic() + RECONNECT_SECONDS

    async def _send(self) -> None:
        """A few at a time: each question to Redis has a time limit, and thousands of names would never keep it. Those
        of a shard that is away are sent again later; the other processes drop them now.
        """
        try:
            while self._unsent:
                some = tuple(islice(self._unsent, AT_ONCE))
                done = await self._forgotten(some)
                await self._link.publish(CHANNEL, json.dumps(some))
                self._unsent.difference_update(done)
                if len(done) < len(some):
                    return
        except RedisDown:
            return

    async def _forgotten(self, patterns: tuple[str, ...]) -> set[str]:
        """The names and patterns that Redis has forgotten."""
        names = {PREFIX + name for name in patterns if not _is_glob(name)}
        done = {name.removeprefix(PREFIX) for name in await self._link.forget(names)} if names else set()
        for pattern in filter(_is_glob, patterns):
            try:
                await self._link.forget_matching(PREFIX + pattern)
            except RedisDown:
                continue
            done.add(pattern)
        return done

    def _keep(self, name: str, value: str, seconds: float) -> None:
        if seconds <= 0:
            return
        self._local[name] = _Entry(value, time.monotonic() + seconds)
        self._local.move_to_end(name)
        while len(self._local) > LOCAL_ENTRIES:
            self._local.popitem(last=False)

    def _drop(self, pattern: str) -> None:
        if not _is_glob(pattern):
            self._local.pop(pattern, None)
            return
        for name in [name for name in self._local if fnmatchcase(name, pattern)]:
            del self._local[name]


def _is_glob(pattern: str) -> bool:
    return any(sign in pattern for sign in "*?[")
