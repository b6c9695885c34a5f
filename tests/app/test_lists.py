"""Lists of jobs: kept for five minutes, and never a moment behind what became of the jobs (B03)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
import redis
from conftest import Servers, apart, create_database
from pydantic import SecretStr
from starlette.testclient import TestClient
from test_access import ADMIN, BODY, new_key

from app.cache import Cache
from app.ids import JobId
from app.lifecycle import Lifecycle
from app.lists import SECONDS, JobLists
from app.redis_link import RedisLink
from app.services import Services, running
from app.settings import Settings
from app.sweeper import sweep

MakeClient = Callable[..., TestClient]


def statuses(client: TestClient, key: dict[str, str]) -> list[str]:
    return [job["status"] for job in client.get("/jobs", headers=key).json()["jobs"]]


def change(settings: Settings, statement: str) -> None:
    """Behind the service's back, so that only what is kept can still say what was before."""

    async def run() -> None:
        connection = await asyncpg.connect(settings.database_url_direct.get_secret_value())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def done(client: TestClient, work: Callable[[Services], Awaitable[object]]) -> None:
    """By another process of the same service."""

    async def run() -> None:
        async with running(client.app.state.services.settings, Lifecycle()) as services:
            await work(services)

    apart(run())


@pytest.mark.requirement("B03")
def test_a_list_is_kept_in_redis_for_five_minutes(
    make_client: MakeClient, servers: Servers, settings: Settings
) -> None:
    assert SECONDS == 300
    client = make_client(cache_local_seconds=0, **ADMIN)
    _, key = new_key(client)
    client.post("/generate", json=BODY, headers=key)
    assert statuses(client, key) == ["pending"]
    change(settings, "UPDATE jobs SET status = 'failed'")
    assert statuses(client, key) == ["pending"], "the list that was kept"
    store = redis.Redis.from_url(servers.redis_url)
    [name] = store.keys("cache:jobs:acme:*")
    assert 290 < store.ttl(name) <= 300
    store.delete(name)
    assert statuses(client, key) == ["failed"]


@pytest.mark.requirement("B03")
def test_each_change_of_a_job_changes_its_owners_list_at_once(make_client: MakeClient, settings: Settings) -> None:
    client = make_client(**ADMIN)
    _, key = new_key(client)
    jobs = [client.post("/generate", json=BODY, headers=key).json()["job_id"] for _ in range(2)]
    assert statuses(client, key) == ["pending", "pending"]
    done(client, lambda services: services.jobs.claim(JobId.parse(jobs[0])))
    assert statuses(client, key) == ["pending", "in_progress"]
    done(client, lambda services: services.jobs.postpone(JobId.parse(jobs[0]), 1, "im_unreachable"))
    assert statuses(client, key) == ["pending", "pending"]
    client.post(f"/cancel/{jobs[0]}", headers=key)
    assert statuses(client, key) == ["pending", "cancelled"]
    change(settings, "UPDATE jobs SET expires_at = now() - interval '1 second'")

    async def swept(services: Services) -> None:
        found = await sweep(services.database, timedelta(0))
        await services.lists.changed(*found.owners)

    done(client, swept)
    assert statuses(client, key) == ["expired", "cancelled"]
    client.delete(f"/jobs/{jobs[0]}", headers=key)
    assert statuses(client, key) == ["expired"]


@pytest.mark.requirement("B03")
def test_a_list_is_never_filled_from_a_replica_that_is_behind(make_client: MakeClient, servers: Servers) -> None:
    name = f"t_{uuid4().hex[:16]}"
    apart(create_database(servers, name))
    client = make_client(database_read_url=servers.database_url(name), **ADMIN)
    _, key = new_key(client)
    client.post("/generate", json=BODY, headers=key)
    assert statuses(client, key) == ["pending"]


def test_a_list_that_was_read_before_a_change_is_not_found_after_it(servers: Servers, empty_redis: None) -> None:
    """Whoever reads and then keeps what a moment ago was true keeps it under the version of that moment."""

    async def race() -> tuple[str | None, str | None]:
        link = RedisLink(SecretStr(servers.redis_url), 1)
        lists = JobLists(Cache(link, 60, 3600), link)
        before = str(await lists.name("acme"))
        await lists.changed("acme")
        await lists.keep(before, "what was true before")
        found = await lists.get(before), await lists.get(str(await lists.name("acme")))
        await link.close()
        return found

    assert apart(race()) == ("what was true before", None)


def test_without_redis_no_list_is_kept_and_every_change_is_told_when_it_is_back(
    servers: Servers, empty_redis: None
) -> None:
    async def scenario() -> tuple[str | None, str | None]:
        link = RedisLink(SecretStr(servers.redis_url), 1)
        lists = JobLists(Cache(link, 60, 3600), link)
        link.failed(OSError("gone"))
        during = await lists.name("acme")
        await lists.changed("acme")
        link._closed_until = 0.0
        await lists.changed()
        after = await lists.name("acme")
        await link.close()
        return during, after

    assert apart(scenario()) == (None, "jobs:acme:1")
