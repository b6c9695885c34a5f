"""What one process is made of, built once at its start and handed to whoever needs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from app.access.callers import Callers
from app.access.keys import KeyStore
from app.access.limiter import Limiter
from app.access.sessions import Sessions
from app.cache import Cache
from app.database import Database
from app.intake import Intake
from app.jobs import JobStore
from app.lifecycle import Lifecycle
from app.redis_link import RedisLink
from app.regions import Regions
from app.schema import Schema
from app.settings import Settings
from app.supervision import Supervisor
from app.switches import Switchboard


@dataclass(frozen=True)
class Services:
    """The parts a request handler may use. ``redis`` is the cache's, ``counters`` holds what must not be forgotten."""

    settings: Settings
    database: Database
    schema: Schema
    jobs: JobStore
    intake: Intake
    redis: RedisLink
    counters: RedisLink
    cache: Cache
    keys: KeyStore
    sessions: Sessions
    callers: Callers
    limiter: Limiter
    switchboard: Switchboard
    http: httpx.AsyncClient
    regions: Regions
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    supervisor: Supervisor = field(default_factory=Supervisor)

    async def close(self) -> None:
        """Give every connection back."""
        await self.http.aclose()
        await self.redis.close()
        await self.limiter.close()
        await self.database.close()


def build(settings: Settings, lifecycle: Lifecycle) -> Services:
    """Put the parts together; nothing runs and nothing is connected yet."""
    database = Database(settings)
    link = RedisLink(settings.redis_url, settings.redis_timeout_seconds)
    limits = RedisLink(settings.redis_queue_url, settings.redis_timeout_seconds) if settings.redis_queue_url else link
    cache = Cache(link, settings.cache_local_seconds, settings.cache_seconds)
    keys = KeyStore(database, cache)
    http = httpx.AsyncClient()
    sessions = Sessions(settings.session_secrets, settings.session_seconds, link)
    return Services(
        settings=settings,
        database=database,
        schema=Schema(database),
        jobs=JobStore(database, cache, settings.job_max_attempts),
        intake=Intake(database, cache, settings.job_expiry_seconds),
        redis=link,
        counters=limits,
        cache=cache,
        keys=keys,
        sessions=sessions,
        callers=Callers(keys, sessions),
        limiter=Limiter(limits),
        switchboard=Switchboard(database),
        http=http,
        regions=Regions(settings, http),
        lifecycle=lifecycle,
    )


@asynccontextmanager
async def running(settings: Settings, lifecycle: Lifecycle) -> AsyncIterator[Services]:
    """Build the parts, run their background tasks, and take everything down in the reverse order."""
    services = build(settings, lifecycle)
    try:
        async with services.supervisor.background(cache=services.cache.listen, switches=services.switchboard.follow):
            yield services
    finally:
        await services.close()
