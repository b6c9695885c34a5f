"""Parts of one process, built once at its start and handed to the parts that need them."""

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
from app.lists import JobLists
from app.progress import Progress
from app.redis_link import RedisLink
from app.regions import Regions
from app.settings import Settings
from app.supervision import Supervisor
from app.switches import Switchboard
from app.watch import Watch


@dataclass(frozen=True)
class Services:
    """The parts a request handler may use. ``redis`` is the cache's, ``counters`` holds what must not be forgotten."""

    settings: Settings
    database: Database
    jobs: JobStore
    lists: JobLists
    intake: Intake
    redis: RedisLink
    counters: RedisLink
    cache: Cache
    keys: KeyStore
    sessions: Sessions
    callers: Callers
    limiter: Limiter
    switchboard: Switchboard
    watch: Watch
    http: httpx.AsyncClient
    regions: Regions
    progress: Progress
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    supervisor: Supervisor = field(default_factory=Supervisor)

    async def close(self) -> None:
        """Give every connection back."""
        await self.http.aclose()
        await self.watch.close()
        await self.redis.close()
        await self.limiter.close()
        await self.database.close()


def build(settings: Settings, lifecycle: Lifecycle) -> Services:
    """Put the parts together; nothing runs and nothing is connected yet."""
    database = Database(settings)
    link = RedisLink(settings.redis_url, settings.redis_timeout_seconds)
    limits = RedisLink(settings.redis_queue_url, settings.redis_timeout_seconds) if settings.redis_queue_url else link
    cache = Cache(link, settings.cache_local_seconds, settings.cache_seconds)
    lists = JobLists(cache, link)
    http = httpx.AsyncClient()
    sessions = Sessions(settings.session_secrets, settings.session_seconds)
    switchboard = Switchboard(database)
    watch = Watch(settings, switchboard, link, http)
    keys = KeyStore(database, cache, watch.revocations)
    regions = Regions(settings, http, sessions)
    return Services(
        settings=settings,
        database=database,
        jobs=JobStore(database, lists, settings.job_max_attempts),
        lists=lists,
        intake=Intake(database, lists, settings.job_expiry_seconds),
        redis=link,
        counters=limits,
        cache=cache,
        keys=keys,
        sessions=sessions,
        callers=Callers(keys, sessions, watch.revocations),
        limiter=Limiter(limits),
        switchboard=switchboard,
        watch=watch,
        http=http,
        regions=regions,
        progress=Progress(),
        lifecycle=lifecycle,
    )


@asynccontextmanager
async def running(settings: Settings, lifecycle: Lifecycle) -> AsyncIterator[Services]:
    """Build the parts, run their background tasks, and take everything down in the reverse order."""
    services = build(settings, lifecycle)
    try:
        await services.watch.look()
        loops = {"watch": services.watch.follow, "lists": services.lists.follow, "cache": services.cache.listen}
        async with services.supervisor.background(**loops):
            yield services
    finally:
        await services.close()
