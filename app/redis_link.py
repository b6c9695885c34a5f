"""Redis as something that may be missing: every use has a time limit, and a failure is remembered for a moment.

The written rule: Redis never decides whether a request is answered. Without it the cache has its in-process level only,
limits are counted per process, sessions are verified by their signature, and /ready stays ready and says degraded.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import redis.asyncio as redis
import structlog
from pydantic import SecretStr
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from app.telemetry.metrics import DEGRADED

T = TypeVar("T")
# After a failure nobody waits for Redis again before this has passed.
PAUSE_SECONDS = 1.0
AWAY: Final = (RedisError, RedisClusterException, OSError, TimeoutError)
"""Errors of a Redis that is missing, slow or full."""
CONNECTIONS: Final = 200
SCANNED_AT_ONCE: Final = 1000
_LOG = structlog.get_logger("app.redis")


class RedisDown(Exception):
    """Redis is missing, slow or full; the caller goes on without it."""


@dataclass(frozen=True)
class Memory:
    """Fill level of a Redis in bytes; of a cluster that of its fullest shard. ``most`` is 0 without a limit."""

    used: int
    most: int


class RedisLink:
    """One Redis, used through `ask`. A cluster has a link of its own (app.redis_cluster)."""

    def __init__(self, url: SecretStr | None, timeout: float) -> None:
        self.timeout = timeout
        self._closed_until = 0.0
        self.client: redis.Redis | None = None
        if url is not None:
            self.client = redis.Redis.from_url(
                url.get_secret_value(),
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                retry=Retry(NoBackoff(), 0),
                max_connections=CONNECTIONS,
                decode_responses=True,
            )

    async def ask(self, question: Callable[[redis.Redis], Awaitable[T]], key: str | None = None) -> T:
        """The answer, or RedisDown within the time limit. A question about one key says which."""
        if self.client is None or self._paused(key):
            raise RedisDown
        try:
            async with asyncio.timeout(self.timeout):
                return await question(self.client)
        except AWAY as error:
            self.failed(error, key)
            raise RedisDown from error

    async def ask_each(
        self, keys: Collection[str], question: Callable[[redis.Redis, Sequence[str]], Awaitable[object]]
    ) -> Collection[str]:
        """Ask about many keys in as few questions as there are servers; the keys that were reached."""
        try:
            await self.ask(lambda client: question(client, tuple(keys)))
        except RedisDown:
            return ()
        return keys

    async def forget(self, names: Collection[str]) -> Collection[str]:
        """Delete keys; those that were reached."""
        return await self.ask_each(names, unlink)

    async def forget_matching(self, pattern: str) -> None:
        """Delete the keys that fit a pattern. Raises RedisDown."""
        cursor: int | None = None
        while cursor != 0:
            cursor = await self.ask(partial(_unlink_some, cursor=cursor or 0, pattern=pattern))

    async def publish(self, channel: str, message: str) -> None:
        """Send a message to every listener of a channel. Raises RedisDown."""
        await self.ask(lambda client: client.publish(channel, message))

    @asynccontextmanager
    async def listening(self, channel: str) -> AsyncIterator[PubSub | None]:
        """A subscription for the block; None where no Redis is named. Raises the driver's errors."""
        if self.client is None:
            yield None
            return
        async with self.client.pubsub() as subscription:
            await subscription.subscribe(channel)
            yield subscription

    async def memory(self) -> Memory:
        """Fill level. Raises RedisDown."""
        return memory_of(await self.ask(lambda client: client.info("memory")))

    def failed(self, error: BaseException, key: str | None = None) -> None:
        """Note a failure: figures, one log line, and a pause."""
        if not self._paused(key):
            _LOG.warning("going on without Redis", error_type=type(error).__name__, error=str(error)[:200])
        self._pause(error, key)
        DEGRADED.labels("redis").inc()

    def _paused(self, key: str | None) -> bool:
        return time.monotonic() < self._closed_until

    def _pause(self, error: BaseException, key: str | None) -> None:
        self._closed_until = time.monotonic() + PAUSE_SECONDS

    async def connected(self) -> bool:
        """True if a PING is answered now, by every shard of a cluster; asks even during a pause."""
        if self.client is None:
            return False
        try:
            async with asyncio.timeout(self.timeout):
                return bool(await self.client.ping())  # type: ignore[misc]
        except AWAY:
            return False

    async def close(self) -> None:
        """Give the connections back."""
        if self.client is not None:
            await self.client.aclose()


def memory_of(shown: dict[str, int]) -> Memory:
    """The fill level in the answer to INFO."""
    return Memory(shown["used_memory"], shown["maxmemory"])


async def unlink(client: redis.Redis, names: Sequence[str]) -> None:
    """Delete keys one by one in one round trip: keys of different slots may not stand in one command."""
    async with client.pipeline(transaction=False) as commands:
        for name in names:
            commands.execute_command("UNLINK", name)
        await commands.execute()


async def _unlink_some(client: redis.Redis, cursor: int, pattern: str) -> int:
    cursor, names = await client.scan(cursor, match=pattern, count=SCANNED_AT_ONCE)
    if names:
        await client.unlink(*names)
    return int(cursor)
