"""The writing of im: a text that is there, else the first that a provider gives, in their order (E07, D01)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from app.domain import Assignment, Draft, Ticket, Waiting
from app.failures import Fault
from app.providers import Provider
from app.services import Services
from app.settings import Settings
from app.telemetry.metrics import CONTENT_ERRORS
from app.writers.base import CallContext, WriterError
from app.writers.batches import Batches, BatchLostError
from app.writers.clients import client_of
from app.writers.embedded import EmbeddedProvider
from app.writers.guards import Turnstile
from app.writers.ledger import Ledger
from app.writers.paid import PaidProvider
from app.writers.texts import TextCache, free

_LOG = structlog.get_logger("app.writers")


TextProvider = PaidProvider | EmbeddedProvider


@dataclass
class _Flight:
    """A text that is being written, and how many wait for it."""

    task: "asyncio.Task[Draft]"
    waiting: int = 0


class Desk:
    """Implements the interface of im."""

    def __init__(
        self, providers: Sequence[TextProvider], texts: TextCache, ledger: Ledger, batches: Batches | None = None
    ) -> None:
        self.ledger = ledger
        self._providers = providers
        self._texts = texts
        self._batches = batches
        self._flights: dict[str, _Flight] = {}

    async def write(self, assignment: Assignment, context: CallContext) -> Draft:
        """A text; who asks for one that is being written waits for that one. Raises WriterError.

        A text that no request waits for is given up, unless its call has begun.
        """
        key = self._providers[0].key(assignment, context)
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

    async def order(self, assignment: Assignment, context: CallContext) -> Draft | Waiting:
        """For who has time: a text that is there, else a place in a batch of the first provider, else as `write`."""
        if self._batches is None:
            return await self.write(assignment, context)
        try:
            return await self._cached(assignment, context) or await self._batches.order(assignment, context)
        except WriterError as error:
            self._note(self._providers[0], error)
            return await self.write(assignment, context)

    async def collect(self, assignment: Assignment, ticket: Ticket, context: CallContext) -> Draft | Waiting:
        """The text of a ticket. Raises BatchLostError where only `write` can help, WriterError to ask again later."""
        cached = await self._cached(assignment, context)
        if cached is not None:
            return cached
        if self._batches is None or self._batches.name != ticket.provider:
            raise BatchLostError(f"batches of {ticket.provider} are not in use any more")
        return await self._batches.collect(ticket, assignment, context)

    async def close(self) -> None:
        """Let what has begun end."""
        for provider in self._providers:
            await provider.close()
        await self.ledger.close()

    def _landed(self, key: str, task: "asyncio.Task[Draft]") -> None:
        if (flight := self._flights.get(key)) is not None and flight.task is task:
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # seen here too: those who waited may all have left

    async def _cached(self, assignment: Assignment, context: CallContext) -> Draft | None:
        for provider in self._providers:
            draft = await self._texts.get(provider.key(assignment, context))
            if draft is not None:
                return draft
        return None

    async def _written(self, assignment: Assignment, context: CallContext) -> Draft:
        cached = await self._cached(assignment, context)
        if cached is not None:
            return cached
        failures: list[WriterError] = []
        for provider in self._providers:
            try:
                return await provider.write(assignment, context)
            except WriterError as error:
                self._note(provider, error)
                failures.append(error)
        raise _deciding(failures)

    def _note(self, provider: TextProvider, error: WriterError) -> None:
        CONTENT_ERRORS.labels(error.kind).inc()
        _LOG.warning("provider failed", provider=provider.name, error_type=error.kind, error=str(error))


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


@asynccontextmanager
async def desk(services: Services) -> AsyncIterator[Desk]:
    """The desk of the settings' providers. Raises ConfigurationError for an SDK that is missing."""
    settings = services.settings
    texts = TextCache(services.cache, settings.llm_cache_seconds)
    ledger = Ledger(services.database, settings.llm_max_cost_per_day_usd)
    made: list[TextProvider] = [
        EmbeddedProvider(texts) if name is Provider.EMBEDDED else _paid(name, services, ledger, texts)
        for name in settings.llm_providers
    ]
    first = made[0]
    batches = Batches(first, settings) if settings.llm_batch_enabled and isinstance(first, PaidProvider) else None
    built = Desk(made, texts, ledger, batches)
    try:
        yield built
    finally:
        await built.close()


def _paid(provider: Provider, services: Services, ledger: Ledger, texts: TextCache) -> PaidProvider:
    settings: Settings = services.settings
    turnstile = Turnstile(provider, settings, services.counters) if settings.llm_rate_limit_enabled else None
    return PaidProvider(provider, client_of(provider, settings), settings, ledger, texts, turnstile)
