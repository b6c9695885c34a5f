"""Counting requests over sliding windows in Redis, or in the process while Redis is down (same limits, per process)."""

import asyncio
import math
import time
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from pydantic import SecretStr
from redis.exceptions import RedisError

from app.access.tiers import Allowance
from app.redis_link import PAUSE_SECONDS
from app.telemetry.metrics import DEGRADED


@dataclass(frozen=True)
class Verdict:
    """Whether a request may pass, and what the client should know about the window that decides."""

    allowed: bool
    scope: str
    limit: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """X-RateLimit-*, and Retry-After for a refusal."""
        shown = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_seconds),
        }
        return shown if self.allowed else {**shown, "Retry-After": str(max(1, self.reset_seconds))}


@dataclass(frozen=True)
class _Window:
    scope: str
    item: RateLimitItem


class Limiter:
    """Limits by who asks. A request is counted in every window it belongs to, also when another one refuses it."""

    def __init__(self, url: SecretStr | None, timeout: float) -> None:
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._closed_until = 0.0
        self._shared: SlidingWindowCounterRateLimiter | None = None
        self._timeout = timeout
        if url is not None:
            storage = RedisStorage(
                f"async+{url.get_secret_value()}",
                implementation="redispy",
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)

    async def request(self, who: str, allowance: Allowance, *, generation: bool) -> Verdict:
        """Count one request; the verdict is the refusing window's, else the narrowest one's."""
        windows = [_Window("minute", RateLimitItemPerMinute(allowance.per_minute))]
        if allowance.per_hour is not None:
            windows.append(_Window("hour", RateLimitItemPerHour(allowance.per_hour)))
        if generation:
            windows.append(_Window("generate", RateLimitItemPerMinute(allowance.generate_per_minute)))
            if allowance.texts_per_day is not None:
                windows.append(_Window("day", RateLimitItemPerDay(allowance.texts_per_day)))
        if self._shared is not None and time.monotonic() >= self._closed_until:
            try:
                async with asyncio.timeout(self._timeout):
                    return await _judge(self._shared, who, windows, generation=generation)
            except (RedisError, OSError, TimeoutError):
                self._closed_until = time.monotonic() + PAUSE_SECONDS
                DEGRADED.labels("redis").inc()
        return await _judge(self._local, who, windows, generation=generation)


async def _judge(
    strategy: SlidingWindowCounterRateLimiter, who: str, windows: list[_Window], *, generation: bool
) -> Verdict:
    passed = await asyncio.gather(*(strategy.hit(window.item, window.scope, who) for window in windows))
    refusing = [window for window, allowed in zip(windows, passed, strict=True) if not allowed]
    shown = refusing[0] if refusing else next(w for w in windows if w.scope == ("generate" if generation else "minute"))
    statistics = await strategy.get_window_stats(shown.item, shown.scope, who)
    reset = max(0, math.ceil(statistics.reset_time - time.time()))
    remaining = 0 if refusing else max(0, statistics.remaining)
    return Verdict(not refusing, shown.scope, shown.item.amount, remaining, reset)
