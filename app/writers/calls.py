"""Calls of one provider that charges: each passes the breaker, the limit a minute and the ledger (E07)."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from app.failures import Fault
from app.providers import ProviderSettings
from app.writers.base import CallContext, WriterError
from app.writers.guards import Breaker, Turnstile
from app.writers.ledger import NOTHING, Call, CallKind, Ledger, TextInFlightError

T = TypeVar("T")
_LOG = structlog.get_logger("app.writers")
# A longer pause is the job's to wait for: a call that waits here holds a place of its worker.
LONGEST_PAUSE_SECONDS = 10.0
# How long to wait before looking again for a text that another process pays for, at first and at most.
SHORTEST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.1, 1.0


class Guarded:
    """One provider behind its guards; ``call_seconds`` is the longest that a call can take."""

    def __init__(
        self, name: str, call_seconds: float, settings: ProviderSettings, ledger: Ledger, turnstile: Turnstile | None
    ) -> None:
        self.name = name
        self.call_seconds = call_seconds
        self.breaker = Breaker(name, settings.llm_breaker_failures, settings.llm_breaker_seconds)
        self.ledger = ledger
        self._retries = settings.llm_retries
        self._turnstile = turnstile

    async def tried(self, once: Callable[[], Awaitable[T]], context: CallContext) -> T:
        """The result, after more tries where the provider failed and there is time. Raises WriterError."""
        for tried in range(self._retries + 1):
            try:
                return await self.breaker.call(once)
            except WriterError as error:
                pause = error.retry_after or random.uniform(0.5, 1.0) * 2**tried
                there_is_time = pause <= min(LONGEST_PAUSE_SECONDS, context.deadline.left - self.call_seconds)
                again = error.failure.fault is Fault.PROVIDER and tried < self._retries
                if error.kind == "circuit_open" or not (again and there_is_time):
                    raise
                _LOG.info("trying the provider again", provider=self.name, error_type=error.kind, pause=pause)
                await asyncio.sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    async def turn(self, context: CallContext) -> None:
        """Wait for a turn. Raises WriterError where a call could not end before the deadline."""
        if self._turnstile is not None:
            await self._turnstile.enter(context.deadline, self.call_seconds)
        if context.deadline.left < self.call_seconds:
            raise WriterError(
                "deadline", f"{context.deadline.left:.1f} s are left, a call may take {self.call_seconds}"
            )

    async def reserved_or(self, call: Call, needed: float, known: Callable[[], Awaitable[T | None]]) -> Call | T:
        """The call, reserved; or the result of another paid call, once it is known. Raises WriterError."""
        pause = SHORTEST_LOOK_SECONDS
        while (found := await known()) is None:
            try:
                return await self.ledger.reserve(call)
            except TextInFlightError:
                if call.context.deadline.left < needed + pause:
                    raise WriterError("deadline", "another call for the same text goes on") from None
            await asyncio.sleep(pause)
            pause = min(LONGEST_LOOK_SECONDS, 2 * pause)
        return found

    async def timed(self, work: Awaitable[T]) -> T:
        """The result within the time of a call. Raises WriterError."""
        try:
            async with asyncio.timeout(self.call_seconds):
                return await work
        except TimeoutError as error:
            raise WriterError("provider_timeout", f"{self.name} took longer than {self.call_seconds} s") from error


@dataclass(frozen=True)
class Offer:
    """Goods of a provider at one price.

    name: name of the provider.
    model: what is bought, as ledger and figures call it.
    dollars: price in US dollars.
    seconds: longest that a call takes.
    """

    name: str
    model: str
    dollars: float
    seconds: float


class Priced(Guarded):
    """Calls at one price each, such as a search or a picture. A call that has begun ends, and its result is kept.

    The ``work`` stores its result, and ``kept`` reads what an earlier call with the same key has stored.
    """

    def __init__(
        self, offer: Offer, settings: ProviderSettings, ledger: Ledger, turnstile: Turnstile | None = None
    ) -> None:
        super().__init__(offer.name, offer.seconds, settings, ledger, turnstile)
        self._offer = offer
        self._running: set[asyncio.Task[object]] = set()

    async def bought(
        self,
        key: str,
        context: CallContext,
        work: Callable[[], Awaitable[T]],
        kept: Callable[[], Awaitable[T | None]],
    ) -> T:
        """The result of one paid call with this key. Raises WriterError, and what else the two functions raise."""
        offer = self._offer

        async def paid(call: Call) -> T:
            outcome, dollars = "abandoned", call.reserved_usd
            try:
                if (before := await kept()) is not None:
                    outcome, dollars = "cached", 0.0
                    return before
                result = await self.timed(work())
                outcome = "done"
                return result
            except WriterError as error:
                outcome = error.kind
                dollars = 0.0 if error.tokens is None and not error.failure.charged else dollars
                raise
            finally:
                await self.ledger.settle(call, outcome, NOTHING, dollars)

        async def once() -> T:
            await self.turn(context)
            wanted = Call(key, self.name, offer.model, CallKind.SYNC, offer.dollars, offer.seconds, context)
            found = await self.reserved_or(wanted, self.call_seconds, kept)
            if not isinstance(found, Call):
                return found
            task = asyncio.create_task(paid(found))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            return await asyncio.shield(task)

        return await self.tried(once, context)

    async def close(self) -> None:
        """Let what was paid for be kept."""
        if self._running:
            await asyncio.wait(self._running, timeout=self.call_seconds)
