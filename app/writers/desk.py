"""The writing of im: a text that is there, else the first that a provider gives, in their order (E07, D01)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from app.core_services import CoreServices
from app.domain import Assignment, Draft, Ticket, Waiting
from app.providers import Provider
from app.services import Services
from app.settings import Settings
from app.writers.base import CallContext, WriterError
from app.writers.batches import Batches, BatchLostError
from app.writers.clients import client_of
from app.writers.embedded_provider import EmbeddedProvider
from app.writers.flights import Flights
from app.writers.forms import CONTENT, Asked, Form, Text
from app.writers.guards import Turnstile
from app.writers.ledger import Ledger
from app.writers.paid import PaidProvider
from app.writers.texts import TextCache

Prepare = Callable[[Assignment, CallContext], Awaitable[Assignment]]


class Desk(Flights):
    """Implements the interface of im."""

    def __init__(
        self,
        providers: Sequence[PaidProvider | EmbeddedProvider],
        texts: TextCache,
        ledger: Ledger,
        batches: Batches | None = None,
        prepare: Prepare | None = None,
    ) -> None:
        super().__init__(providers, texts, ledger, prepare)
        self._batches = batches

    async def order(self, assignment: Assignment, context: CallContext) -> Draft | Waiting:
        """For who has time: a text that is there, else a place in a batch of the first provider, else as `write`."""
        if self._batches is None:
            return await self.write(assignment, context)
        try:
            return await self.cached(assignment, context) or await self._batches.order(assignment, context)
        except WriterError as error:
            self.note(self.providers[0].name, error)
            return await self.write(assignment, context)

    async def collect(self, assignment: Assignment, ticket: Ticket, context: CallContext) -> Draft | Waiting:
        """The text of a ticket. Raises BatchLostError where only `write` can help, WriterError to ask again later."""
        cached = await self.cached(assignment, context)
        if cached is not None:
            return cached
        if self._batches is None or self._batches.name != ticket.provider:
            raise BatchLostError(f"batches of {ticket.provider} are not in use any more")
        return await self._batches.collect(ticket, assignment, context)


def providers_of(
    form: Form[Asked, Text], services: CoreServices, settings: Settings, ledger: Ledger, texts: TextCache[Text]
) -> list[PaidProvider[Asked, Text] | EmbeddedProvider[Asked, Text]]:
    """The settings' providers, in their order. Raises ConfigurationError for an SDK that is missing."""
    made: list[PaidProvider[Asked, Text] | EmbeddedProvider[Asked, Text]] = []
    for name in settings.llm_providers:
        if name is Provider.EMBEDDED:
            made.append(EmbeddedProvider(form, texts))
            continue
        turnstile = Turnstile(name, settings, services.counters) if settings.llm_rate_limit_enabled else None
        made.append(PaidProvider(name, client_of(name, settings), settings, ledger, form, texts, turnstile))
    return made


@asynccontextmanager
async def desk(services: Services, form: Form = CONTENT, prepare: Prepare | None = None) -> AsyncIterator[Desk]:
    """The desk of the settings' providers, for texts of a form. Raises ConfigurationError for an SDK that is missing.

    What is ordered in batches is not prepared: it is to be cheap, and is collected long after.
    """
    settings = services.settings
    texts = TextCache(services.cache, settings.llm_cache_seconds, Draft)
    ledger = Ledger(services.database, settings.llm_max_cost_per_day_usd)
    made = providers_of(form, services, settings, ledger, texts)
    first = made[0]
    batches = Batches(first, settings) if settings.llm_batch_enabled and isinstance(first, PaidProvider) else None
    built = Desk(made, texts, ledger, batches, prepare)
    try:
        yield built
    finally:
        await built.close()
