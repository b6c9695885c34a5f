"""The editor's desk of im: the cache first, then the providers in order until one gives a usable text (E07, D01)."""

import hashlib
from collections.abc import Sequence

import httpx
import structlog

from app.cache import Cache
from app.domain import Assignment, Draft
from app.providers import Provider
from app.services import Services
from app.settings import Settings
from app.telemetry.metrics import CONTENT_ERRORS
from app.writers.base import Writer, WriterError
from app.writers.embedded import EmbeddedWriter
from app.writers.limits import Breaker, Budget, Turnstile
from app.writers.remote import RemoteWriter
from app.writers.wires import Anthropic, Gemini, OpenAI

_LOG = structlog.get_logger("app.writers")
_HOMES = {
    Provider.OPENAI: "https://api.openai.com",
    Provider.ANTHROPIC: "https://api.anthropic.com",
    Provider.GEMINI: "https://generativelanguage.googleapis.com",
}


class Guarded:
    """A provider behind its breaker, its turnstile and the day's budget."""

    def __init__(self, writer: Writer, settings: Settings, budget: Budget) -> None:
        self.writer = writer
        self._budget = budget
        self._retries = settings.llm_retries
        self._breaker = Breaker(settings.llm_breaker_failures, settings.llm_breaker_seconds)
        self._turnstile = (
            Turnstile(settings.llm_rate_limit_per_minute, settings.llm_queue_limit, settings.llm_queue_wait_seconds)
            if settings.llm_rate_limit_enabled and writer.name != Provider.EMBEDDED
            else None
        )

    async def write(self, assignment: Assignment) -> Draft:
        """A text, after retries where those may help. Raises WriterError."""
        if self.writer.name != Provider.EMBEDDED:
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
        self._breaker.check(self.writer.name)
        if self._turnstile:
            await self._turnstile.enter()
        try:
            draft = await self.writer.write(assignment, self.writer.model(assignment))
        except WriterError:
            self._breaker.note(failed=True)
            raise
        self._breaker.note(failed=False)
        await self._budget.spend(draft.usage.cost_usd)
        return draft


class Desk:
    """Implements the writing of im."""

    def __init__(self, providers: Sequence[Guarded], cache: Cache, cache_seconds: int) -> None:
        self._providers = providers
        self._cache = cache
        self._cache_seconds = cache_seconds

    async def write(self, assignment: Assignment, *, fresh: bool = False) -> Draft:
        """A cached text for the same assignment unless it must be `fresh`, else the first that a provider gives.

        Raises the last WriterError.
        """
        name = f"text:{hashlib.sha256(assignment.model_dump_json().encode()).hexdigest()}"
        cached = await self._cache.get(name) if self._cache_seconds and not fresh else None
        if cached is not None:
            draft = Draft.model_validate_json(cached)
            return draft.model_copy(update={"cached": True, "usage": draft.usage.model_copy(update={"cost_usd": 0.0})})
        failure: WriterError | None = None
        for provider in self._providers:
            try:
                draft = await provider.write(assignment)
            except WriterError as error:
                CONTENT_ERRORS.labels(error.kind).inc()
                _LOG.warning("provider failed", provider=provider.writer.name, error_type=error.kind, error=str(error))
                failure = _worth_more(failure, error)
                continue
            if self._cache_seconds:
                await self._cache.put(name, draft.model_dump_json(), self._cache_seconds)
            return draft
        assert failure is not None
        raise failure


def _worth_more(before: WriterError | None, now: WriterError) -> WriterError:
    """When any provider may succeed later, the whole may be tried again later."""
    return before if before is not None and before.retriable and not now.retriable else now


def desk(services: Services) -> Desk:
    """The providers of the settings, in their order."""
    settings = services.settings
    budget = Budget(settings.llm_max_cost_per_day_usd, services.redis)
    writers = [_writer(name, settings, services.http) for name in settings.llm_providers]
    return Desk([Guarded(writer, settings, budget) for writer in writers], services.cache, settings.llm_cache_seconds)


def _writer(provider: Provider, settings: Settings, client: httpx.AsyncClient) -> Writer:
    if provider is Provider.EMBEDDED:
        return EmbeddedWriter()
    wires = {
        Provider.OPENAI: (OpenAI, settings.openai_api_key, settings.openai_base_url),
        Provider.ANTHROPIC: (Anthropic, settings.anthropic_api_key, settings.anthropic_base_url),
        Provider.GEMINI: (Gemini, settings.gemini_api_key, settings.gemini_base_url),
    }
    wire, key, base_url = wires[provider]
    assert key is not None, "the settings refuse a provider without its key"
    return RemoteWriter(wire(key), base_url or _HOMES[provider], settings, client)
