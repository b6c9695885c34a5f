"""The cached list (B05): kept 300 s under workflows:all, dropped by every change, right in any order of events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress

import asyncpg
import pytest
import redis
from conftest import Servers, apart, eventually
from dashboard_site import MakeDashboard
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.testclient import TestClient
from test_dashboard_api import added, made

from app.database import DatabaseUnavailable, OutcomeUnknown
from app.redis_link import RedisLink
from app.workflow_dashboard.cached_list import CachedList, Listing


@pytest.fixture
def store(servers: Servers) -> redis.Redis:
    return redis.Redis.from_url(servers.redis_url, decode_responses=True)


def behind_the_service(url: str, statement: str) -> None:
    """A change that the service does not know of, so that a cached list shows itself."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    apart(run())


@pytest.mark.requirement("B05")
def test_the_list_is_kept_for_300_seconds_under_the_documents_key(
    dashboard: TestClient, dashboard_url: str, store: redis.Redis
) -> None:
    made(dashboard)
    first = dashboard.get("/api/workflows")
    assert 295 <= store.ttl("workflows:all") <= 300
    assert store.get("workflows:all") == first.text
    behind_the_service(dashboard_url, "UPDATE workflows SET name = 'changed behind the cache'")
    assert dashboard.get("/api/workflows").text == first.text, "from the cache"
    store.delete("workflows:all")
    assert dashboard.get("/api/workflows").json()[0]["name"] == "changed behind the cache", "from the database"


@pytest.mark.requirement("B05")
def test_pages_other_than_the_first_of_all_are_not_kept(
    dashboard: TestClient, dashboard_url: str, store: redis.Redis
) -> None:
    workflow = made(dashboard)
    for query in ("limit=49", "user_id=acme", f"before={workflow['id']}"):
        assert dashboard.get(f"/api/workflows?{query}").status_code == 200
    assert store.exists("workflows:all") == 0


CHANGES: dict[str, Callable[[TestClient, dict, dict], object]] = {
    "create": lambda client, _, __: made(client, "Another"),
    "change": lambda client, one, _: client.patch(f"/api/workflows/{one['id']}", json={"status": "paused"}),
    "delete": lambda client, one, _: client.delete(f"/api/workflows/{one['id']}"),
    "add a task": lambda client, one, _: added(client, one["id"], "Another"),
    "change a task": lambda client, _, task: client.patch(f"/api/tasks/{task['id']}", json={"status": "done"}),
}


@pytest.mark.requirement("B05")
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_drops_the_list_before_it_is_answered(
    make_dashboard: MakeDashboard, store: redis.Redis, change: str
) -> None:
    here, there = make_dashboard(), make_dashboard()
    workflow = made(here)
    task = added(here, workflow["id"])
    before = there.get("/api/workflows").json()
    assert store.exists("workflows:all") == 1
    CHANGES[change](here, workflow, task)
    assert store.exists("workflows:all") == 0
    after = there.get("/api/workflows").json()
    assert after != before
    assert after == here.get("/api/workflows").json()


def test_what_changes_nothing_leaves_the_list_where_it_is(dashboard: TestClient, store: redis.Redis) -> None:
    made(dashboard)
    dashboard.get("/api/workflows")
    dashboard.delete("/api/workflows/0198f0a0-0000-7000-8000-000000000000")
    dashboard.post("/api/workflows", json={"name": ""})
    assert store.exists("workflows:all") == 1


@pytest.mark.requirement("B05")
def test_without_redis_lists_come_from_the_database_and_changes_are_stored(make_dashboard: MakeDashboard) -> None:
    client = make_dashboard(redis_url="redis://127.0.0.1:1/0")
    workflow = made(client)
    assert [one["id"] for one in client.get("/api/workflows").json()] == [workflow["id"]]
    assert client.delete(f"/api/workflows/{workflow['id']}").status_code == 204
    assert client.get("/api/workflows").json() == []
    assert client.get("/ready").json() == {"status": "degraded", "degraded": ["redis"]}


def test_a_change_that_redis_did_not_hear_of_is_dropped_when_redis_is_back(
    make_dashboard: MakeDashboard, store: redis.Redis
) -> None:
    client = make_dashboard()
    made(client)
    client.get("/api/workflows")
    link = client.app.state.services.redis
    reachable, link.client = link.client, None
    made(client, "While Redis is away")
    assert store.exists("workflows:all") == 1
    link.client = reachable
    assert eventually(lambda: store.exists("workflows:all") == 0)
    assert len(client.get("/api/workflows").json()) == 2


class Slow:
    """A database whose readings take as long as the test wants."""

    def __init__(self) -> None:
        self.committed = 0
        self.readings = 0
        self.go_on = asyncio.Event()
        self.begun = asyncio.Event()
        self.current = True

    async def read(self) -> Listing:
        self.readings += 1
        seen = self.committed
        self.begun.set()
        await self.go_on.wait()
        return Listing(json.dumps(seen), self.current)


def with_list(servers: Servers, work: Callable[[CachedList, Slow, redis.Redis], object]) -> None:
    """Run a coroutine with a list over the session's Redis, which begins empty."""

    async def run() -> None:
        plain = redis.Redis.from_url(servers.redis_url, decode_responses=True)
        plain.flushall()
        link, source = RedisLink(SecretStr(servers.redis_url), 1), Slow()
        try:
            await work(CachedList(link, source), source, plain)  # type: ignore[misc]
        finally:
            await link.close()

    apart(run())


@pytest.mark.requirement("B05")
def test_a_list_that_was_read_before_a_change_is_not_stored_after_it(servers: Servers) -> None:
    async def scenario(listed: CachedList, source: Slow, plain: redis.Redis) -> None:
        reading = asyncio.create_task(listed.get())
        await source.begun.wait()
        async with listed.changing():
            source.committed = 1
        source.go_on.set()
        assert await reading == "0", "as it was when it was asked for"
        assert plain.get("workflows:all") is None
        assert await listed.get() == "1"
        assert plain.get("workflows:all") == "1"

    with_list(servers, scenario)


def test_who_asks_after_a_change_is_not_given_a_reading_from_before_it(servers: Servers) -> None:
    async def scenario(listed: CachedList, source: Slow, _: redis.Redis) -> None:
        early = asyncio.create_task(listed.get())
        await source.begun.wait()
        async with listed.changing():
            source.committed = 1
        late = [asyncio.create_task(listed.get()) for _ in range(20)]
        await asyncio.sleep(0.1)
        source.go_on.set()
        assert await early == "0"
        assert set(await asyncio.gather(*late)) == {"1"}
        assert source.readings == 2, "one for all who came late"

    with_list(servers, scenario)


def test_many_who_ask_at_once_cost_one_reading(servers: Servers) -> None:
    async def scenario(listed: CachedList, source: Slow, _: redis.Redis) -> None:
        asked = [asyncio.create_task(listed.get()) for _ in range(50)]
        await source.begun.wait()
        source.go_on.set()
        assert set(await asyncio.gather(*asked)) == {"0"}
        assert source.readings == 1

    with_list(servers, scenario)


def test_a_list_that_may_be_old_is_answered_and_not_stored(servers: Servers) -> None:
    async def scenario(listed: CachedList, source: Slow, plain: redis.Redis) -> None:
        source.current = False
        source.go_on.set()
        assert await listed.get() == "0"
        assert plain.get("workflows:all") is None

    with_list(servers, scenario)


@pytest.mark.parametrize("error", [OutcomeUnknown, asyncio.CancelledError])
def test_a_change_of_unknown_outcome_drops_the_list_too(servers: Servers, error: type[BaseException]) -> None:
    async def scenario(listed: CachedList, source: Slow, plain: redis.Redis) -> None:
        source.go_on.set()
        await listed.get()
        with suppress(error):
            async with listed.changing():
                raise error
        assert plain.get("workflows:all") is None
        if error is OutcomeUnknown:
            await listed.get()
            following = asyncio.create_task(listed.follow())
            await asyncio.to_thread(eventually, lambda: plain.get("workflows:all") is None)
            following.cancel()

    with_list(servers, scenario)


def test_a_change_that_was_not_stored_leaves_the_list(servers: Servers) -> None:
    async def scenario(listed: CachedList, source: Slow, plain: redis.Redis) -> None:
        source.go_on.set()
        await listed.get()
        with suppress(DatabaseUnavailable):
            async with listed.changing():
                raise DatabaseUnavailable
        assert plain.get("workflows:all") == "0"

    with_list(servers, scenario)


class Turns:
    """Lets one of several tasks take its next step, in the order that the example says."""

    def __init__(self, choices: list[int]) -> None:
        self._choices = choices
        self._waiting: list[asyncio.Future[None]] = []

    async def step(self) -> None:
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        await mine

    async def run(self, *work: asyncio.Task[object]) -> None:
        while not all(task.done() for task in work):
            for _ in range(5):
                await asyncio.sleep(0)
            if self._waiting:
                chosen = (self._choices.pop(0) if self._choices else 0) % len(self._waiting)
                self._waiting.pop(chosen).set_result(None)


class Memory:
    """Redis' commands that the list uses, a step each; a step may fail as if Redis were away."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.held: dict[str, str] = {}

    async def ask(self, question: Callable[[Memory], object]) -> object:
        await self.turns.step()
        return await question(self)  # type: ignore[misc]

    async def get(self, key: str) -> str | None:
        return self.held.get(key)

    async def set(self, key: str, value: str, *, nx: bool, ex: int) -> bool:
        assert nx and ex
        return self.held.setdefault(key, value) == value

    async def delete(self, *keys: str) -> None:
        for key in keys:
            self.held.pop(key, None)

    async def eval(self, _: str, __: int, key: str, lease: str, token: str, body: str, ___: str) -> int:
        if self.held.get(lease) != token:
            return 0
        del self.held[lease]
        self.held[key] = body
        return 1


class Primary:
    """A number that changes commit to, a step each."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.value = 0

    async def read(self) -> Listing:
        await self.turns.step()
        seen = str(self.value)
        await self.turns.step()
        return Listing(seen, current=True)


@given(choices=st.lists(st.integers(0, 20), max_size=80), readers=st.integers(1, 3), writers=st.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_in_any_order_of_steps_nothing_old_stays_and_nobody_reads_less_than_was_answered(
    choices: list[int], readers: int, writers: int
) -> None:
    """Two processes, each with readers and writers that take turns in the order of the example."""

    async def scenario() -> None:
        turns = Turns(choices)
        memory, primary = Memory(turns), Primary(turns)
        lists = [CachedList(memory, primary) for _ in range(2)]  # type: ignore[arg-type]
        answered = 0

        async def write(listed: CachedList) -> None:
            nonlocal answered
            async with listed.changing():
                await turns.step()
                primary.value += 1
                own = primary.value
                await turns.step()
            answered = max(answered, own)

        async def read(listed: CachedList) -> None:
            for _ in range(2):
                least = answered
                assert int(await listed.get()) >= least

        work = [asyncio.create_task(write(lists[number % 2])) for number in range(writers)]
        work += [asyncio.create_task(read(lists[number % 2])) for number in range(readers)]
        await turns.run(*work)
        await asyncio.gather(*work)
        assert memory.held.get("workflows:all") in (None, str(primary.value))

    asyncio.run(scenario())
