"""Research before a post is written: one search for a topic a day, by the first engine that answers. A post that
cannot be researched is written without.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import httpx
import structlog
from prometheus_client import Counter

from app.blog_ai.outside import priced
from app.blog_ai.research.pages import PAGES, Pages, Researched
from app.blog_ai.research.searchers import Searcher, SerpApi, Tavily
from app.blog_ai.settings import BlogSettings
from app.cache import Cache
from app.domain import Assignment
from app.services import Services
from app.writers.base import CallContext, Deadline, WriterError
from app.writers.calls import Priced
from app.writers.ledger import Ledger

SEARCHES: Final = Counter("research_searches", "Searches for a topic.", ("provider", "outcome"))
_LOG = structlog.get_logger("app.research")


class Research:
    """Finds pages for assignments by ``engines``, in their order."""

    def __init__(self, engines: Sequence[tuple[Searcher, Priced]], cache: Cache, settings: BlogSettings) -> None:
        self._engines = engines
        self._cache = cache
        self._kept_seconds = settings.llm_cache_seconds
        self._time_for_the_text = settings.llm_timeout_seconds
        self._longest = 3 * settings.research_timeout_seconds

    async def prepare(self, assignment: Assignment, context: CallContext) -> Assignment:
        """The assignment with pages about its topic, where there is an engine. No failure of one gets out."""
        if not self._engines:
            return assignment
        pages = await self._pages(assignment.topic, context)
        return Researched.model_construct(**assignment.__dict__, pages=pages)

    async def _pages(self, topic: str, context: CallContext) -> Pages | None:
        key = hashlib.sha256(f"search\n{' '.join(topic.casefold().split())}".encode()).hexdigest()
        if (before := await self._kept(key)) is not None:
            return before
        left = min(self._longest, context.deadline.left - self._time_for_the_text)
        until = replace(context, deadline=Deadline.after(left))
        for engine, calls in self._engines:
            name = engine.offer.name
            try:
                pages = await calls.bought(
                    key, until, lambda engine=engine: self._searched(engine, topic, key), lambda: self._kept(key)
                )
            except WriterError as error:
                SEARCHES.labels(name, error.kind).inc()
                _LOG.warning("search failed", provider=name, error_type=error.kind, error=str(error))
                continue
            SEARCHES.labels(name, "done").inc()
            return pages
        return None

    async def _kept(self, key: str) -> Pages | None:
        found = await self._cache.get(f"search:{key}") if self._kept_seconds else None
        return None if found is None else PAGES.validate_json(found)

    async def _searched(self, engine: Searcher, topic: str, key: str) -> Pages:
        pages = await engine.search(topic)
        if self._kept_seconds:
            await self._cache.put(f"search:{key}", PAGES.dump_json(pages).decode(), self._kept_seconds)
        return pages


@asynccontextmanager
async def research(services: Services) -> AsyncIterator[Research]:
    """Research by the engines whose keys are set: Tavily first, SerpApi when it fails."""
    settings = services.settings
    assert isinstance(settings, BlogSettings)
    seconds = settings.research_timeout_seconds
    ledger = Ledger(services.database, settings.llm_max_cost_per_day_usd)
    async with httpx.AsyncClient(timeout=seconds) as client:
        engines: list[Searcher] = []
        if settings.tavily_api_key is not None:
            key = settings.tavily_api_key.get_secret_value()
            engines.append(Tavily(client, key, settings.tavily_base_url, seconds))
        if settings.serp_api_key is not None:
            key = settings.serp_api_key.get_secret_value()
            engines.append(SerpApi(client, key, settings.serp_base_url, seconds))
        guarded = [(one, priced(one.offer, services, settings, ledger)) for one in engines]
        try:
            yield Research(guarded, services.cache, settings)
        finally:
            for _, calls in guarded:
                await calls.close()
            await ledger.close()
