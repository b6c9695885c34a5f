"""Redis as something that may be missing: every use has a time limit, and a failure is remembered for a moment.

The written rule: Redis never decides whether a request is answered. Without it the cache has its in-process level only,
limits are counted per process, sessions are verified by their signature, and /ready stays ready and says degraded.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import redis.asyncio as redis
import structlog
from pydantic import SecretStr
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.telemetry.metrics import DEGRADED

T = TypeVar("T")
# After a failure nobody waits for Redis again before this has passed.
PAUSE_SECONDS = 1.0
_LOG = structlog.get_logger("app.redis")


class RedisDown(Exception):
    """Redis is missing, slow or full; the caller goes on without it."""


class RedisLink:
    """One Redis, used through `ask`."""

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
                max_connections=200,
                decode_responses=True,
            )

    async def ask(self, question: Callable[[redis.Redis], Awaitable[T]]) -> T:
        """The answer, or RedisDown within the time limit."""
        if self.client is None or time.monotonic() < self._closed_until:
            raise RedisDown
        try:
            async with asyncio.timeout(self.timeout):
                return await question(self.client)
        except (RedisError, OSError, TimeoutError) as error:
            self.failed(error)
            raise RedisDown from error

    def failed(self, error: BaseException) -> None:
        """Note a failure: figures, one log line, and a pause."""
        if time.monotonic() >= self._closed_until:
            _LOG.warning("going on without Redis", error_type=type(error).__name__, error=str(error)[:200])
        self._closed_until = time.monotonic() + PAUSE_SECONDS
        DEGRADED.labels("redis").inc()

    async def connected(self) -> bool:
        """True if a PING is answered now; asks even during a pause."""
        if self.client is None:
            return False
        try:
            async with asyncio.timeout(self.timeout):
                return bool(await self.client.ping())  # type: ignore[misc]
        except (RedisError, OSError, TimeoutError):
            return False

    async def close(self) -> None:
        """Give the connections back."""
        if self.client is not None:
            await self.client.aclose()
