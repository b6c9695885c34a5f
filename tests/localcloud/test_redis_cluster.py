"""A Redis in cluster mode: what is declared becomes three servers that answer as one cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis.asyncio
from redis.exceptions import RedisError

from localcloud.redis import RedisServer
from localcloud.runner.child import end, spawn
from localcloud.runner.managed import ManagedStore
from localcloud.runner.redis_cluster import SLOTS, Shard, form, parameters, share

PASSWORD = "letters-and-digits"
SHARDS = tuple(Shard(f"127.78.0.{number}", 16379, 6379) for number in (1, 2, 3))


def test_every_slot_belongs_to_exactly_one_shard() -> None:
    for count in (2, 3, 7):
        slots = [slot for place in range(count) for slot in range(share(place, count)[0], share(place, count)[1] + 1)]
        assert slots == list(range(SLOTS))


def test_a_store_in_cluster_mode_is_a_server_for_each_shard_and_the_first_answers_at_the_clusters_name() -> None:
    store = ManagedStore(
        kind="elasticache",
        region="us-east-1",
        identifier="video-cache",
        host="clustercfg.video-cache.example",
        port=6379,
        user="",
        password=PASSWORD,
        database="",
        replica_of="",
        shards=("one.example", "two.example", "three.example"),
    )
    servers = store.servers()
    assert [(one.identifier, one.host, one.reader_host, one.cluster) for one in servers] == [
        ("video-cache-0001", "one.example", "clustercfg.video-cache.example", "video-cache"),
        ("video-cache-0002", "two.example", "", "video-cache"),
        ("video-cache-0003", "three.example", "", "video-cache"),
    ]
    assert servers[0].servers() == (servers[0],)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[None]:
    """The three servers, not yet a cluster."""
    async with AsyncExitStack() as ends:
        for number, shard in enumerate(SHARDS, 1):
            settings = {**parameters(f"shard-{number}.example", shard), "requirepass": PASSWORD}
            server = RedisServer(folder / f"shard-{number}", shard.address, shard.port, settings)
            server.initialise()
            with (folder / f"shard-{number}.log").open("wb") as log:
                child = await spawn(server.argv(), server.environment(), server.identity(), log.fileno())
            ends.push_async_callback(end, child, 10.0)
        yield


async def formed() -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if await form(SHARDS, PASSWORD):
                    return
            except RedisError:
                pass
            await asyncio.sleep(0.2)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' own user may enter."""
    with TemporaryDirectory(prefix="contentgen-test-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


async def test_three_servers_become_one_cluster_whose_clients_are_sent_to_names(folder: Path) -> None:
    async with running(folder):
        await formed()
        assert await form(SHARDS, PASSWORD), "a formed cluster stays as it is"
        client = redis.asyncio.Redis(host=SHARDS[0].address, port=SHARDS[0].port, password=PASSWORD)
        slots = await client.execute_command("CLUSTER SLOTS")
        assert slots is not None
        assert [(first, last, node[0].decode(), node[1]) for first, last, node in sorted(slots)] == [
            (*share(0, 3), "shard-1.example", 6379),
            (*share(1, 3), "shard-2.example", 6379),
            (*share(2, 3), "shard-3.example", 6379),
        ]
        with pytest.raises(RedisError, match=r"12182 shard-3\.example:6379"):
            await client.set("foo", "1")
        await client.aclose()
