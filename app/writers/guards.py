"""Guards around a provider: how often it may be called over all processes, and when it is left alone (E07)."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from app.failures import Fault
from app.redis_link import RedisDown, RedisLink
from app.settings import Settings
from app.writers.base import Deadline, WriterError

T = TypeVar("T")
# Waiters look again at moments of their own, so that they do not all ask in the same one.
LOOK_SECONDS = 0.05


class Breaker:
    """Circuit breaker of a provider: after so many failures in a row no call is made for a while; then one call tries
    again.

    A failure that is the job's fault says nothing of the provider, nor does a call that was cancelled.
    """

    def __init__(self, name: str, failures: int, seconds: float) -> None:
        self._name = name
        self._allowed = failures
        self._seconds = seconds
        self._failed = 0
        self._open_until = 0.0
        self._trying = False

    async def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run `work` unless the circuit is open, and give its result. Raises WriterError, its own or because the
        provider is left alone now.
        """
        left = self._open_until - time.monotonic()
        half_open = self._failed >= self._allowed
        if left > 0 or (half_open and self._trying):
            pause = max(left, LOOK_SECONDS)
            raise WriterError("circuit_open", f"{self._name} is left alone for now", retry_after=pause)
        self._trying = half_open
        try:
            result = await work()
        except WriterError as error:
            self._note(error)
            raise
        finally:
            if half_open:
                self._trying = False
        self._failed, self._open_until = 0, 0.0
        return result

    def _note(self, error: WriterError) -> None:
        if error.failure.fault is not Fault.PROVIDER:
            return
        self._failed += 1
        pause = self._seconds if self._failed >= self._allowed else 0.0
        self._open_until = time.monotonic() + max(pause, error.retry_after or 0.0)


class Turnstile:
    """At most so many calls a minute over all processes; a few wait for their turn, and the rest are refused."""

    def __init__(self, name: str, settings: Settings, link: RedisLink) -> None:
        per_minute = settings.llm_rate_limit_per_minute
        self._name = name
        self._queue = settings.llm_queue_limit
        self._wait = settings.llm_queue_wait_seconds
        self._waiting = 0
        self._link = link
        self._item = RateLimitItemPerMinute(per_minute)
        self._own_item = RateLimitItemPerMinute(max(1, per_minute // settings.llm_processes))
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared: MovingWindowRateLimiter | None = None
        if link.client is not None:
            pool = link.client.connection_pool
            storage = RedisStorage("async+redis://", implementation="redispy", connection_pool=pool)  # type: ignore[arg-type]
            self._shared = MovingWindowRateLimiter(storage)

    async def enter(self, deadline: Deadline, needed: float) -> None:
        """Returns when the call may go. Raises WriterError when the line is full, or the wait too long for a call that
        needs so many seconds before the deadline.
        """
        free = await self._free_in()
        if free > 0 and self._waiting >= self._queue:
            raise WriterError("provider_queue_full", f"{self._queue} calls wait for {self._name}", retry_after=free)
        last = time.monotonic() + min(self._wait, deadline.left - needed)
        self._waiting += 1
        try:
            while free > 0:
                if time.monotonic() + free > last:
                    raise WriterError("provider_rate_limit", f"no turn at {self._name} in time", retry_after=free)
                await asyncio.sleep(free + random.uniform(0, LOOK_SECONDS))
                free = await self._free_in()
        finally:
            self._waiting -= 1

    async def _free_in(self) -> float:
        """Take a turn: 0 when it was had, else the seconds until there may be one."""
        if self._shared is not None:
            shared = self._shared
            try:
                return await self._link.ask(lambda _: _turn(shared, self._item, self._name))
            except RedisDown:
                pass
        return await _turn(self._own, self._own_item, self._name)


async def _turn(limiter: MovingWindowRateLimiter, item: RateLimitItemPerMinute, name: str) -> float:
    if await limiter.hit(item, "llm", name):
        return 0.0
    stats = await limiter.get_window_stats(item, "llm", name)
    return max(LOOK_SECONDS, stats.reset_time - time.time())
