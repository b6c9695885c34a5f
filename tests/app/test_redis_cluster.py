"""The cache over a real Redis cluster of three servers: whole, with one of them gone, and with a slot that moved."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from redis_shards import Shards, shards_in

from app.cache import Cache
from app.lists import JobLists
from app.redis_cluster import ClusterLink
from app.redis_link import RedisDown
from app.service_settings import ServiceSettings
from app.supervision import Supervisor
from app.workflow_dashboard.cached_list import KEY, LEASE

Scenario = Callable[[ClusterLink, Cache, Cache], Awaitable[None]]


@pytest.fixture
def shards(folder: Path, request: pytest.FixtureRequest) -> Iterator[Shards]:
    with shards_in(folder / request.node.name[:40]) as found:
        yield found


def over(shards: Shards, scenario: Scenario) -> None:
    """Two processes' caches, both listening; the link is the first one's."""

    async def run() -> None:
        links = [ClusterLink(SecretStr(shards.url), 0.5) for _ in range(2)]
        one, other = (Cache(link, 60, 3600) for link in links)
        async with Supervisor().background(one=one.listen, other=other.listen):
            async with asyncio.timeout(10):
                await asyncio.gather(one.subscribed.wait(), other.subscribed.wait())
            await scenario(links[0], one, other)
        for link in links:
            await link.close()

    asyncio.run(run())


async def until(question: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await question():
            await asyncio.sleep(0.02)


@pytest.mark.requirement("R02")
def test_values_are_found_on_every_shard_and_forgotten_by_name_and_by_pattern(shards: Shards) -> None:
    names = [f"jobs:acme:{number}" for number in range(60)]

    async def scenario(link: ClusterLink, one: Cache, other: Cache) -> None:
        for name in (*names, "jobs:rival:1"):
            await one.put(name, "text")
        held = [shards.client(number).dbsize() for number in range(3)]
        assert all(held) and sum(held) == 61
        assert [await other.get(name) for name in names] == ["text"] * 60
        await one.invalidate(*names[:3])
        assert [await one.get(name) for name in names[:4]] == [None, None, None, "text"]
        await one.invalidate("jobs:acme:*")

        async def forgotten() -> bool:
            return not any([await other.get(name) for name in names])

        await until(forgotten)
        assert await other.get("jobs:rival:1") == "text"
        assert sum(shards.client(number).dbsize() for number in range(3)) == 1

    over(shards, scenario)


@pytest.mark.requirement("R02")
def test_while_one_shard_is_gone_the_others_answer_and_nothing_fails_or_waits(shards: Shards) -> None:
    there, gone = shards.key_of(0, "cache:value-{}"), shards.key_of(1, "cache:value-{}")
    here, away = there.removeprefix("cache:"), gone.removeprefix("cache:")

    async def scenario(link: ClusterLink, one: Cache, other: Cache) -> None:
        await one.put(here, "text")
        await one.put(away, "text")
        assert await link.connected()
        shards.kill(1)
        assert await one.get(away) == "text", "the level in the process still has it"
        assert await other.get(away) is None
        assert not await link.connected()
        with pytest.raises(RedisDown):
            await link.ask(lambda client: client.get(gone), gone)
        began = time.monotonic()
        for _ in range(200):
            with pytest.raises(RedisDown):
                await link.ask(lambda client: client.get(gone), gone)
        assert time.monotonic() - began < 0.25, "the failure is remembered"
        answers = [await link.ask(lambda client: client.get(there), there) for _ in range(200)]
        assert answers == ["text"] * 200
        await one.invalidate("*")

        async def forgotten() -> bool:
            return await other.get(here) is None

        await until(forgotten)
        assert (await link.memory()).used > 0

    over(shards, scenario)


def test_what_could_not_be_forgotten_on_a_frozen_shard_is_forgotten_when_it_goes_on(shards: Shards) -> None:
    names = {number: shards.key_of(number, "cache:value-{}").removeprefix("cache:") for number in (0, 2)}

    async def scenario(link: ClusterLink, one: Cache, other: Cache) -> None:
        for name in names.values():
            await one.put(name, "from before")
        shards.processes[2].send_signal(signal.SIGSTOP)
        await one.invalidate(names[2], "value-*")
        assert shards.client(0).dbsize() == 0
        shards.processes[2].send_signal(signal.SIGCONT)

        async def forgotten() -> bool:
            return shards.client(2).dbsize() == 0

        await until(forgotten)
        assert await other.get(names[2]) is None

    over(shards, scenario)


@pytest.mark.requirement("R02")
def test_a_key_whose_slot_was_moved_is_found_where_it_is_now(shards: Shards) -> None:
    key = shards.key_of(0, "cache:value-{}")
    name = key.removeprefix("cache:")

    async def scenario(link: ClusterLink, one: Cache, other: Cache) -> None:
        await one.put("something", "text")
        shards.move(key, 2)
        await one.put(name, "text")
        assert await other.get(name) == "text"
        assert (shards.client(2).get(key), shards.client(2).ttl(key) > 3590) == ("text", True)
        await one.invalidate(name)
        assert shards.client(2).get(key) is None

    over(shards, scenario)


def test_the_lists_of_owners_on_different_shards_change_together(shards: Shards) -> None:
    owners = [f"owner-{number}" for number in range(30)]

    async def scenario(link: ClusterLink, one: Cache, other: Cache) -> None:
        lists = JobLists(one, link)
        before = [await lists.name(owner) for owner in owners]
        await lists.changed(*owners)
        after = [await lists.name(owner) for owner in owners]
        assert all(first != second for first, second in zip(before, after, strict=True))
        holders = {owner: shards.holder(f"jobs-version:{owner}") for owner in owners}
        lost = holders[owners[0]]
        shards.kill(lost)
        await lists.changed(*owners)
        named = [await lists.name(owner) for owner in owners]
        for owner, first, second in zip(owners, after, named, strict=True):
            assert second is None if holders[owner] == lost else second not in (None, first)

    over(shards, scenario)


def test_without_any_shard_every_question_is_answered_at_once_with_nothing(shards: Shards) -> None:
    async def scenario(link: ClusterLink, one: Cache, other: Cache) -> None:
        for number in range(3):
            shards.kill(number)
        assert await one.get("name") is None
        await one.put("name", "text")
        assert await one.get("name") == "text"
        assert not await link.connected()
        began = time.monotonic()
        for number in range(100):
            assert await other.get(f"other-{number}") is None
        assert time.monotonic() - began < 3

    over(shards, scenario)


def test_keys_that_one_script_uses_are_of_one_slot(shards: Shards) -> None:
    slots = {shards.client(0).execute_command("CLUSTER KEYSLOT", key) for key in (KEY, LEASE)}
    assert len(slots) == 1 and KEY == "workflows:all"


def test_a_cluster_is_used_by_tls_with_its_password(folder: Path) -> None:
    async def scenario(link: ClusterLink, one: Cache, other: Cache) -> None:
        for number in range(20):
            await one.put(f"name-{number}", "text")
        assert [await other.get(f"name-{number}") for number in range(20)] == ["text"] * 20
        assert await link.connected()

    with shards_in(folder / "encrypted", encrypted=True) as shards:
        assert shards.url.startswith("rediss://:")
        over(shards, scenario)


def test_counters_need_a_redis_that_is_no_cluster() -> None:
    base = {"database_url": "postgresql://a:b@c/d", "database_url_direct": "postgresql://a:b@c/d"}
    with pytest.raises(ValidationError, match="REDIS_CLUSTER: set REDIS_QUEUE_URL too"):
        ServiceSettings(**base, redis_url="redis://cache", redis_cluster=True)  # type: ignore[arg-type]
    queue = {"redis_queue_url": "redis://queue"}
    assert ServiceSettings(**base, redis_url="redis://cache", redis_cluster=True, **queue)  # type: ignore[arg-type]
