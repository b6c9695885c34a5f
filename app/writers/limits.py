"""Guards around a provider: how often it may be called, when it is left alone, and what may be spent (E07)."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from app.redis_link import RedisDown, RedisLink
from app.settings import Settings
from app.writers.base import WriterError

T = TypeVar("T")
BUDGET_KEPT_SECONDS = 3 * 86_400


class Breaker:
    """After so many failures in a row the provider is left alone for a while; then one call tries again."""

    def __init__(self, failures: int, seconds: float) -> None:
        self._allowed = failures
        self._seconds = seconds
        self._failed = 0
        self._open_until = 0.0

    def check(self, name: str) -> None:
        """Raises WriterError while the provider is left alone."""
        if self._failed >= self._allowed and time.monotonic() < self._open_until:
            raise WriterError("circuit_open", f"{name} failed {self._failed} times in a row and is left alone for now")
        if self._failed >= self._allowed:
            # Half open: this call tries, and others wait until it is known how it went.
            self._open_until = time.monotonic() + self._seconds

    def note(self, *, failed: bool) -> None:
        """Tell how a call went."""
        self._failed = self._failed + 1 if failed else 0
        if self._failed >= self._allowed:
            self._open_until = time.monotonic() + self._seconds


class Turnstile:
    """At most so many calls a minute; a few wait for their turn, for a limited time, and the rest are refused."""

    def __init__(self, per_minute: int, queue: int, wait_seconds: float) -> None:
        self._per_minute = per_minute
        self._queue = queue
        self._wait = wait_seconds
        self._entered: deque[float] = deque()
        self._waiting = 0

    async def enter(self) -> None:
        """Returns when the call may go. Raises WriterError when the line is full or the wait too long."""
        began = time.monotonic()
        if self._free(began) > 0 and self._waiting >= self._queue:
            raise WriterError("provider_queue_full", f"{self._queue} calls wait for the provider already")
        self._waiting += 1
        try:
            while (pause := self._free(time.monotonic())) > 0:
                if time.monotonic() + pause > began + self._wait:
                    raise WriterError("provider_rate_limit", f"no turn within {self._wait:.0f} s")
                await asyncio.sleep(pause)
            self._entered.append(time.monotonic())
        finally:
            self._waiting -= 1

    def _free(self, now: float) -> float:
        """Seconds until there is room."""
        while self._entered and self._entered[0] <= now - 60:
            self._entered.popleft()
        return 0.0 if len(self._entered) < self._per_minute else self._entered[0] + 60 - now


class Gate:
    """One provider's breaker and turnstile: every call that has it write goes through here."""

    def __init__(self, name: str, settings: Settings, *, limited: bool) -> None:
        self._name = name
        self._breaker = Breaker(settings.llm_breaker_failures, settings.llm_breaker_seconds)
        per_minute, queue, wait = (
            settings.llm_rate_limit_per_minute,
            settings.llm_queue_limit,
            settings.llm_queue_wait_seconds,
        )
        self._turnstile = Turnstile(per_minute, queue, wait) if limited else None

    async def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives. Raises WriterError, its own or because it may not be tried now."""
        self._breaker.check(self._name)
        if self._turnstile:
            await self._turnstile.enter()
        try:
            result = await work()
        except WriterError:
            self._breaker.note(failed=True)
            raise
        self._breaker.note(failed=False)
        return result


class Budget:
    """What providers may cost a day in US dollars, over all instances; counted per process while Redis is down."""

    def __init__(self, per_day: float, link: RedisLink) -> None:
        self._per_day = per_day
        self._link = link
        self._own: dict[str, float] = {}

    async def check(self) -> None:
        """Raises WriterError when today's money is spent."""
        name = self._name(datetime.now(UTC))
        try:
            spent = float(await self._link.ask(lambda client: client.get(name)) or 0)
        except RedisDown:
            spent = self._own.get(name, 0.0)
        if spent >= self._per_day:
            raise WriterError("daily_budget", f"today's {self._per_day:.2f} USD for providers are spent")

    async def spend(self, dollars: float) -> None:
        """Note a call's cost."""
        if dollars <= 0:
            return
        name = self._name(datetime.now(UTC))
        self._own = {name: self._own.get(name, 0.0) + dollars}
        try:
            await self._add(name, dollars)
        except RedisDown:
            return

    async def settle(self, what: str, dollars: float, day: datetime) -> None:
        """Correct, once for each `what`, what was noted on a day for something whose price was not known then.

        Money that was set aside on one day must not make room for more on another. Where Redis is down the most that
        it could cost stays noted, which is the safe side.
        """
        settled = f"llm-settled:{what}"
        try:
            if await self._link.ask(lambda client: client.set(settled, 1, nx=True, ex=BUDGET_KEPT_SECONDS)):
                await self._add(self._name(day), dollars)
        except RedisDown:
            return

    async def _add(self, name: str, dollars: float) -> None:
        await self._link.ask(lambda client: client.incrbyfloat(name, dollars))
        await self._link.ask(lambda client: client.expire(name, BUDGET_KEPT_SECONDS))

    @staticmethod
    def _name(day: datetime) -> str:
        return f"llm-spend:{day:%Y-%m-%d}"
