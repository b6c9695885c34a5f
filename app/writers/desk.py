"""The editor's desk of im: the cache first, then the providers in order until one gives a usable text (E07, D01)."""

import hashlib
from collections.abc import Sequence

import httpx
import structlog
from pydantic import SecretStr

from app.cache import Cache
from app.domain import Assignment, Draft, Ticket, Waiting
from app.providers import Provider
from app.services import Services
from app.settings import Settings
from app.telemetry.metrics import CONTENT_ERRORS
from app.writers.base import Writer, WriterError
from app.writers.batch_wires import AnthropicBatches, BatchWire, GeminiBatches, OpenAIBatches
from app.writers.batches import Batches, BatchLost
from app.writers.embedded import EmbeddedWriter
from app.writers.limits import Budget, Gate
from app.writers.line import Line
from app.writers.remote import RemoteWriter, Wire
from app.writers.wires import Anthropic, Gemini, OpenAI

_LOG = structlog.get_logger("app.writers")


class Guarded:
    """A provider behind its gate and the day's budget; `batches` where it takes them and the settings want them."""

    def __init__(
        self, writer: Writer, settings: Settings, gate: Gate, budget: Budget | None, batches: Batches | None = None
    ) -> None:
        self.writer = writer
        self.batches = batches
        self._gate = gate
        self._budget = budget
        self._retries = settings.llm_retries

    async def write(self, assignment: Assignment) -> Draft:
        """A text, after retries where those may help. Raises WriterError."""
        if self._budget:
            await self._budget.check()
        for left in range(self._retries, -1, -1):
            try:
                return await self._once(assignment)
            except WriterError as error:
                if not left or not error.retriable or error.kind == "circuit_open":
                    raise
                _LOG.info("trying the provider again", provider=self.writer.name, error_type=error.kind)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _once(self, assignment: Assignment) -> Draft:
        draft = await self._gate.call(lambda: self.writer.write(assignment, self.writer.model(assignment)))
        if self._budget:
            await self._budget.spend(draft.usage.cost_usd)
        return draft


class Desk:
    """Implements the writing of im."""

    def __init__(self, providers: Sequence[Guarded], cache: Cache, settings: Settings) -> None:
        self._providers = providers
        self._cache = cache
        self._cache_seconds = settings.llm_cache_seconds
        self._ticket_seconds = settings.llm_batch_deadline_seconds

    async def write(self, assignment: Assignment, *, fresh: bool = False) -> Draft:
        """A cached text for the same assignment unless it must be `fresh`, else the first that a provider gives.

        Raises the last WriterError.
        """
        return await self._cached(assignment, fresh=fresh) or await self._written(assignment)

    async def order(self, assignment: Assignment, *, fresh: bool = False) -> Draft | Waiting:
        """For who has time: a cached text, else a place in a batch of the first provider, else as `write`.

        Raises WriterError.
        """
        cached = await self._cached(assignment, fresh=fresh)
        batches = self._providers[0].batches
        if cached or batches is None:
            return cached or await self._written(assignment)
        try:
            return batches.waiting(await self._ticket(assignment, batches, fresh=fresh))
        except WriterError as error:
            self._note(self._providers[0], error)
            return await self._written(assignment)

    async def collect(self, assignment: Assignment, ticket: Ticket, *, fresh: bool = False) -> Draft | Waiting:
        """The text of a ticket. Raises BatchLost where only `write` can help, and WriterError to ask again later."""
        cached = await self._cached(assignment, fresh=fresh)
        if cached is not None:
            return cached
        provider = next((one for one in self._providers if one.writer.name == ticket.provider), None)
        if provider is None or provider.batches is None:
            raise BatchLost(f"batches of {ticket.provider} are not in use any more")
        try:
            draft = await provider.batches.collect(ticket, assignment)
        except BatchLost:
            await self._cache.invalidate(_name("ticket", assignment))
            raise
        if draft is None:
            return provider.batches.waiting(ticket)
        await self._keep(assignment, draft)
        return draft

    async def _ticket(self, assignment: Assignment, batches: Batches, *, fresh: bool) -> Ticket:
        """Whoever asks again, because an answer was lost or for the same text, waits for what was ordered already."""
        name, shared = _name("ticket", assignment), self._cache_seconds and not fresh
        known = await self._cache.get(name) if shared else None
        if known is not None:
            return Ticket.model_validate_json(known)
        ticket = await batches.order(assignment)
        if shared:
            await self._cache.put(name, ticket.model_dump_json(), self._ticket_seconds)
        return ticket

    async def _cached(self, assignment: Assignment, *, fresh: bool) -> Draft | None:
        cached = await self._cache.get(_name("text", assignment)) if self._cache_seconds and not fresh else None
        if cached is None:
            return None
        draft = Draft.model_validate_json(cached)
        return draft.model_copy(update={"cached": True, "usage": draft.usage.model_copy(update={"cost_usd": 0.0})})

    async def _written(self, assignment: Assignment) -> Draft:
        failure: WriterError | None = None
        for provider in self._providers:
            try:
                draft = await provider.write(assignment)
            except WriterError as error:
                self._note(provider, error)
                failure = _worth_more(failure, error)
                continue
            await self._keep(assignment, draft)
            return draft
        assert failure is not None
        raise failure

    async def _keep(self, assignment: Assignment, draft: Draft) -> None:
        if self._cache_seconds:
            await self._cache.put(_name("text", assignment), draft.model_dump_json(), self._cache_seconds)

    def _note(self, provider: Guarded, error: WriterError) -> None:
        CONTENT_ERRORS.labels(error.kind).inc()
        _LOG.warning("provider failed", provider=provider.writer.name, error_type=error.kind, error=str(error))


def _name(kind: str, assignment: Assignment) -> str:
    return f"{kind}:{hashlib.sha256(assignment.model_dump_json().encode()).hexdigest()}"


def _worth_more(before: WriterError | None, now: WriterError) -> WriterError:
    """When any provider may succeed later, the whole may be tried again later."""
    return before if before is not None and before.retriable and not now.retriable else now


def desk(services: Services) -> Desk:
    """The providers of the settings, in their order."""
    settings = services.settings
    budget = Budget(settings.llm_max_cost_per_day_usd, services.redis)
    providers = [_provider(name, settings, budget, services.http) for name in settings.llm_providers]
    return Desk(providers, services.cache, settings)


def _provider(provider: Provider, settings: Settings, budget: Budget, client: httpx.AsyncClient) -> Guarded:
    gate = Gate(provider, settings, limited=settings.llm_rate_limit_enabled and provider is not Provider.EMBEDDED)
    if provider is Provider.EMBEDDED:
        return Guarded(EmbeddedWriter(), settings, gate, None)
    wires: dict[Provider, tuple[Wire, BatchWire, SecretStr | None, str | None]] = {
        Provider.OPENAI: (OpenAI(), OpenAIBatches(), settings.openai_api_key, settings.openai_base_url),
        Provider.ANTHROPIC: (Anthropic(), AnthropicBatches(), settings.anthropic_api_key, settings.anthropic_base_url),
        Provider.GEMINI: (Gemini(), GeminiBatches(), settings.gemini_api_key, settings.gemini_base_url),
    }
    wire, batch_wire, key, base_url = wires[provider]
    assert key is not None, "the settings refuse a provider without its key"
    line = Line(provider, base_url or wire.home, wire.headers(key), settings.llm_timeout_seconds, client)
    writer = RemoteWriter(wire, line, settings)
    batches = Batches(writer, batch_wire, settings, gate, budget) if settings.llm_batch_enabled else None
    return Guarded(writer, settings, gate, budget, batches)
