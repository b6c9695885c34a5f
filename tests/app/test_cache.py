"""The cache over a real Redis: two levels, two processes, and Redis gone, frozen or full."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import redis
from conftest import Servers, redis_in
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.cache import Cache
from app.redis_link import RedisLink
from app.supervision import Supervisor

Scenario = Callable[[Cache, Cache], Awaitable[None]]


def two_processes(url: str, scenario: Scenario, *, wait: bool = True) -> None:
    async def run() -> None:
        links = [RedisLink(SecretStr(url), 0.25) for _ in range(2)]
        caches = [Cache(link, 60, 3600) for link in links]
        async with Supervisor().background(first=caches[0].listen, second=caches[1].listen):
            if wait:
                await asyncio.gather(*(cache.subscribed.wait() for cache in caches))
            await scenario(caches[0], caches[1])
        for link in links:
            await link.close()

    asyncio.run(run())


async def until(question: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await question():
            await asyncio.sleep(0.02)


@pytest.mark.requirement("A09")
def test_a_value_travels_through_redis_and_is_forgotten_by_pattern_everywhere(servers: Servers) -> None:
    async def scenario(one: Cache, other: Cache) -> None:
        for name in ("jobs:acme:1", "jobs:acme:2", "jobs:rival:1"):
            await one.put(name, "text")
            assert await other.get(name) == "text"
        await until(lambda: _forgotten(one, other))
        assert await other.get("jobs:rival:1") == "text"
        assert await one.get("jobs:acme:1") is None

    async def _forgotten(one: Cache, other: Cache) -> bool:
        await one.invalidate("jobs:acme:*")
        return await other.get("jobs:acme:1") is None and await other.get("jobs:acme:2") is None

    two_processes(servers.redis_url, scenario)


@pytest.mark.requirement("A09")
def test_lifetimes_are_a_minute_here_and_an_hour_there(servers: Servers) -> None:
    async def scenario(one: Cache, other: Cache) -> None:
        await one.put("name-of-an-hour", "text")
        client = redis.Redis.from_url(servers.redis_url)
        assert 3590 <= client.ttl("cache:name-of-an-hour") <= 3600
        client.delete("cache:name-of-an-hour")
        assert await one.get("name-of-an-hour") == "text", "the level in the process still has it"
        assert await other.get("name-of-an-hour") is None

    two_processes(servers.redis_url, scenario)


@pytest.mark.requirement("R02")
def test_the_cache_and_the_counters_live_on_redis_instances_of_their_own(
    make_client: Callable[..., TestClient], servers: Servers
) -> None:
    """Entries that may be evicted when memory runs out (LRU) are apart from those that may not (noeviction)."""
    admin = {"allowed_admin_ips": "203.0.113.0/24", "admin_token": "an-administrators-token"}
    client = make_client(redis_queue_url=servers.redis_url.replace("/0", "/1"), **admin)
    made = client.post("/admin/keys", json={"client_id": "acme"}, headers={"X-Admin-Token": admin["admin_token"]})
    assert client.get("/jobs", headers={"X-API-Key": made.json()["secret"]}).status_code == 200
    first, second = ({key.decode().split(":")[0] for key in redis_at(servers, place).scan_iter()} for place in (0, 1))
    assert first == {"cache"} and second == {"limit"}


def redis_at(servers: Servers, place: int) -> redis.Redis:
    return redis.Redis(servers.redis.host, servers.redis.port, place)


@pytest.mark.requirement("E06")
def test_redis_gone_frozen_or_full_never_raises_and_never_keeps_anybody_waiting(folder: Path) -> None:
    server = redis_in(folder, f"redis-{time.monotonic_ns()}")
    url = f"redis://127.0.0.1:{server.port}/0"

    async def works(cache: Cache) -> None:
        began = time.monotonic()
        for number in range(20):
            await cache.put(f"n:{number}", "text")
            assert await cache.get(f"n:{number}") == "text"
            await cache.invalidate(f"n:{number}")
            assert await cache.get("never-stored") is None
        assert time.monotonic() - began < 20 * 4 * 0.25, "a failure is remembered, so not every call waits"

    with server.running() as process:

        async def frozen_and_full(one: Cache, other: Cache) -> None:
            os.kill(process.pid, signal.SIGSTOP)
            try:
                await works(one)
            finally:
                os.kill(process.pid, signal.SIGCONT)
            client = redis.Redis.from_url(url)
            client.config_set("maxmemory", 1)
            client.config_set("maxmemory-policy", "noeviction")
            await works(other)

        two_processes(url, frozen_and_full)
    two_processes(url, lambda one, other: works(one), wait=False)


def test_a_hundred_thousand_names_that_could_not_be_told_are_told_and_keep_nobody_waiting(
    servers: Servers, empty_redis: None
) -> None:
    """Clients choose the names: after an outage the others must get their answers while these are sent."""

    async def scenario(one: Cache, other: Cache) -> None:
        one._link.failed(OSError("gone"))
        await other.put("jobs:client-7:1", "kept")
        for start in range(0, 100_000, 1000):
            one._link._closed_until = time.monotonic() + 1
            await one.invalidate(*(f"jobs:client-{number}:1" for number in range(start, start + 1000)))
        assert len(one._unsent) <= 10_000
        one._link._closed_until = 0.0
        await one.invalidate("jobs:last")
        assert one._unsent == set()

        async def forgotten() -> bool:
            return await other.get("jobs:client-7:1") is None

        await until(forgotten)

    two_processes(servers.redis_url, scenario)
