"""Texts of one form that are being written: one that is there, else the first that a provider gives, in their order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic

import structlog

from app.failures import Fault
from app.telemetry.metrics import CONTENT_ERRORS
from app.writers.base import CallContext, WriterError
from app.writers.embedded_provider import EmbeddedProvider
from app.writers.forms import Asked, Text
from app.writers.ledger import Ledger
from app.writers.paid import PaidProvider
from app.writers.texts import TextCache, free

_LOG = structlog.get_logger("app.writers")


@dataclass
class _Flight(Generic[Text]):
    """A text that is being written, and how many wait for it."""

    task: "asyncio.Task[Text]"
    waiting: int = 0


class Flights(Generic[Asked, Text]):
    """Writes texts; a second request for one that is being written waits for it (E07, D01).

    ``prepare`` completes a request whose text is not there, before providers are asked; the text's key stays the same.
    """

    def __init__(
        self,
        providers: Sequence[PaidProvider[Asked, Text] | EmbeddedProvider[Asked, Text]],
        texts: TextCache[Text],
        ledger: Ledger,
        prepare: Callable[[Asked, CallContext], Awaitable[Asked]] | None = None,
    ) -> None:
        self._prepare = prepare
        self.ledger = ledger
        self.providers = providers
        self._texts = texts
        self._flights: dict[str, _Flight[Text]] = {}

    async def write(self, assignment: Asked, context: CallContext) -> Text:
        """A text; a second request for one that is being written waits for it. Raises WriterError.

        A text that no request waits for is given up, unless its call has begun.
        """
        key = self.providers[0].key(assignment, context)
        flight = self._flights.get(key)
        shared = flight is not None
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(self._written(assignment, context)))
            flight.task.add_done_callback(lambda task: self._landed(key, task))
        flight.waiting += 1
        try:
            draft = await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._flights.pop(key, None)
                flight.task.cancel()
        return free(draft) if shared else draft

    async def cached(self, assignment: Asked, context: CallContext) -> Text | None:
        """A text that is there, of any provider."""
        for provider in self.providers:
            draft = await self._texts.get(provider.key(assignment, context))
            if draft is not None:
                return draft
        return None

    async def close(self) -> None:
        """Let what has begun end."""
        for provider in self.providers:
            await provider.close()
        await self.ledger.close()

    def note(self, name: str, error: WriterError) -> None:
        """Count and log a failure of the provider with this name."""
        CONTENT_ERRORS.labels(error.kind).inc()
        _LOG.warning("provider failed", provider=name, error_type=error.kind, error=str(error))

    def _landed(self, key: str, task: "asyncio.Task[Text]") -> None:
        if (flight := self._flights.get(key)) is not None and flight.task is task:
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # seen here too: those who waited may all have left

    async def _written(self, assignment: Asked, context: CallContext) -> Text:
        cached = await self.cached(assignment, context)
        if cached is not None:
            return cached
        failures: list[WriterError] = []
        if self._prepare is not None:
            assignment = await self._prepare(assignment, context)
        for provider in self.providers:
            try:
                return await provider.write(assignment, context)
            except WriterError as error:
                self.note(provider.name, error)
                failures.append(error)
        raise _deciding(failures)


def _deciding(failures: Sequence[WriterError]) -> WriterError:
    """Deciding failure among those of the providers.

    A text that does not fit was paid for, so the attempt counts although another provider was away; it is the last
    attempt only where no provider can do better.
    """
    own = [error for error in failures if error.failure.fault is Fault.JOB]
    if not own:
        return min(failures, key=lambda error: error.kind == "daily_budget")
    error = next((error for error in own if not error.final), own[0])
    error.final = all(one.final for one in failures)
    return error
