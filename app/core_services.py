"""Parts that a process of any product is built from: stores, identity, limits, switches, and the look at them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from app.access.callers import Callers
from app.access.keys import KeyStore
from app.access.limiter import Limiter
from app.access.sessions import Sessions
from app.activity import Activity
from app.cache import Cache
from app.database import Database
from app.lifecycle import Lifecycle
from app.redis_link import RedisLink
from app.schema import Schema
from app.service_settings import ServiceSettings
from app.supervision import Loop, Supervisor
from app.switches import Switchboard
from app.watch import Payments, Watch


@dataclass(frozen=True, kw_only=True)
class CoreServices:
    """The parts a request handler of any product may use. ``redis`` is the cache's, ``counters`` holds what must not be
    forgotten.
    """

    settings: ServiceSettings
    database: Database
    redis: RedisLink
    counters: RedisLink
    cache: Cache
    keys: KeyStore
    sessions: Sessions
    callers: Callers
    limiter: Limiter
    switchboard: Switchboard
    watch: Watch
    activity: Activity
    http: httpx.AsyncClient
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    supervisor: Supervisor = field(default_factory=Supervisor)

    async def close(self) -> None:
        """Give every connection back."""
        await self.http.aclose()
        await self.watch.close()
        await self.redis.close()
        await self.limiter.close()
        await self.database.close()


def build_core(
    settings: ServiceSettings, lifecycle: Lifecycle, schema: Schema, payments: Payments | None = None
) -> CoreServices:
    """Put the parts together; nothing runs and nothing is connected yet."""
    database = Database(settings)
    link = cache_link(settings)
    limits = RedisLink(settings.redis_queue_url, settings.redis_timeout_seconds) if settings.redis_queue_url else link
    cache = Cache(link, settings.cache_local_seconds, settings.cache_seconds)
    http = httpx.AsyncClient()
    sessions = Sessions(settings.session_secrets, settings.session_seconds)
    switchboard = Switchboard(database)
    watch = Watch(settings, switchboard, link, http, schema, payments)
    keys = KeyStore(database, cache, watch.revocations)
    return CoreServices(
        settings=settings,
        database=database,
        redis=link,
        counters=limits,
        cache=cache,
        keys=keys,
        sessions=sessions,
        callers=Callers(keys, sessions, watch.revocations),
        limiter=Limiter(limits),
        switchboard=switchboard,
        watch=watch,
        activity=Activity(database, settings.service),
        http=http,
        lifecycle=lifecycle,
    )


def cache_link(settings: ServiceSettings) -> RedisLink:
    """The Redis of the cache, which may be a cluster."""
    if settings.redis_cluster and settings.redis_url is not None:
        from app.redis_cluster import ClusterLink

        return ClusterLink(settings.redis_url, settings.redis_timeout_seconds)
    return RedisLink(settings.redis_url, settings.redis_timeout_seconds)


@asynccontextmanager
async def run_core(core: CoreServices, more: Mapping[str, Loop]) -> AsyncIterator[None]:
    """Run the background tasks of the parts and those of a product for the block, and take everything down in the
    reverse order.
    """
    loops = {"watch": core.watch.follow, "cache": core.cache.listen, "activity": core.activity.follow}
    try:
        await core.watch.look()
        async with core.supervisor.background(**loops, **more):
            yield
    finally:
        await core.close()
