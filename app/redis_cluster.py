"""A Redis cluster behind the same link: keys lie on several servers, and one may be missing while the rest goes on.

The client knows the slots, asks the server that holds a key, and follows it when it was moved. A failure is remembered
for the shard that it was of, not for the cluster. Commands of several keys are asked key by key (`unlink`), because
their slots differ; keys that one script uses share a hash tag.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final, cast

import redis.asyncio as redis
from pydantic import SecretStr
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, SlotNotCoveredError

from app.redis_link import (
    AWAY,
    CONNECTIONS,
    PAUSE_SECONDS,
    SCANNED_AT_ONCE,
    Memory,
    RedisDown,
    RedisLink,
    memory_of,
    unlink,
)

ALL: Final = ""
"""Name under which a failure of the cluster as a whole is remembered."""
NOWHERE: Final = "-"
"""The same for keys whose slot no server has."""


class ClusterLink(RedisLink):
    """A cluster, whose address is its configuration endpoint or any of its servers."""

    def __init__(self, url: SecretStr, timeout: float) -> None:
        super().__init__(None, timeout)
        self._url = url
        self._closed: dict[str, float] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._cluster = self._made()
        # The commands that questions use are the same of both clients.
        self.client = cast("redis.Redis", self._cluster)

    def _made(self) -> redis.RedisCluster:
        # The slots are read again before the question after a failure, so that a failover is noticed.
        return redis.RedisCluster.from_url(
            self._url.get_secret_value(),
            socket_timeout=self.timeout,
            socket_connect_timeout=self.timeout,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS,
            decode_responses=True,
            require_full_coverage=False,
        )

    async def ask_each(
        self, keys: Collection[str], question: Callable[[redis.Redis, Sequence[str]], Awaitable[object]]
    ) -> Collection[str]:
        """One question to each shard; the keys of those that answered."""
        if not await self._nodes():
            return ()
        by_shard: dict[str, list[str]] = defaultdict(list)
        for key in keys:
            by_shard[self._shard(key)].append(key)
        groups = list(by_shard.values())
        asked = (self.ask(lambda client, some=some: question(client, some), some[0]) for some in groups)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for unexpected in (one for one in answers if isinstance(one, BaseException) and not isinstance(one, RedisDown)):
            raise unexpected
        return [key for some, answer in zip(groups, answers, strict=True) if answer is None for key in some]

    async def forget_matching(self, pattern: str) -> None:
        """Delete the keys that fit on every shard. Raises RedisDown when one was not reached; the others were."""
        nodes = await self._nodes()
        done = [await self._forget_on(node, pattern) for node in nodes]
        if not nodes or not all(done):
            raise RedisDown

    async def publish(self, channel: str, message: str) -> None:
        """Send a message by any server: each hands it to all others. Raises RedisDown."""
        nodes = await self._nodes()
        for node in random.sample(nodes, len(nodes)):
            if await self._on(node, "PUBLISH", channel, message) is not None:
                return
        raise RedisDown

    @asynccontextmanager
    async def listening(self, channel: str) -> AsyncIterator[PubSub | None]:
        """A subscription on any server. Raises the driver's errors."""
        nodes = await self._nodes()
        if not nodes:
            raise RedisClusterException("no server of the cluster answers")
        async with self._cluster.pubsub(node=random.choice(nodes)) as subscription:
            await subscription.subscribe(channel)
            yield subscription

    async def memory(self) -> Memory:
        """Fill level of the fullest shard that answers. Raises RedisDown."""
        answers = [await self._on(node, "INFO", "memory") for node in await self._nodes()]
        levels = [memory_of(answer) for answer in answers if isinstance(answer, dict)]
        if not levels:
            raise RedisDown
        return max(levels, key=lambda level: level.used / level.most if level.most else level.used)

    async def connected(self) -> bool:
        """True if every shard answers a PING."""
        nodes = await self._nodes(even_paused=True)
        pings = (self._on(node, "PING", even_paused=True) for node in nodes)
        return bool(nodes) and all(answer is not None for answer in await asyncio.gather(*pings))

    async def _nodes(self, *, even_paused: bool = False) -> list[ClusterNode]:
        """The primaries; none where the slots cannot be read."""
        try:
            if not self._cluster.get_primaries() and (even_paused or not self._paused(None)):
                async with asyncio.timeout(self.timeout):
                    await self._cluster.initialize()
        except AWAY as error:
            self.failed(error)
        return self._cluster.get_primaries()

    async def _forget_on(self, node: ClusterNode, pattern: str) -> bool:
        cursor: int | None = None
        while cursor != 0:
            answer = await self._on(node, "SCAN", cursor or 0, "MATCH", pattern, "COUNT", SCANNED_AT_ONCE)
            if answer is None:
                return False
            found, names = cast("tuple[dict[str, int], list[str]]", answer)
            cursor = next(iter(found.values()))
            if names and set(await self.ask_each(names, unlink)) != set(names):
                return False
        return True

    async def _on(self, node: ClusterNode, *command: str | int, even_paused: bool = False) -> object | None:
        """The answer of one server; None without one."""
        if not even_paused and self._closed.get(node.name, 0.0) > time.monotonic():
            return None
        try:
            async with asyncio.timeout(self.timeout):
                return cast("object", await self._cluster.execute_command(*command, target_nodes=node))
        except AWAY as error:
            if not even_paused:
                self.failed(error)
                self._closed[node.name] = time.monotonic() + PAUSE_SECONDS
            return None

    def _shard(self, key: str | None) -> str:
        """Name of the server that holds a key; the whole cluster's while the slots are not known."""
        if key is None or not self._cluster.get_primaries():
            return ALL
        try:
            node = self._cluster.get_node_from_key(key)
        except SlotNotCoveredError:
            return NOWHERE
        return NOWHERE if node is None else node.name

    def _paused(self, key: str | None) -> bool:
        now = time.monotonic()
        return any(self._closed.get(shard, 0.0) > now for shard in (ALL, self._shard(key)))

    def _pause(self, error: BaseException, key: str | None) -> None:
        shard = self._shard(key)
        if type(error) is RedisClusterException:
            shard = ALL
            self._begin_again()
        elif shard == ALL and self._cluster.get_primaries():
            # It is not known which of them failed; the others are not kept from answering.
            return
        self._closed[shard] = time.monotonic() + PAUSE_SECONDS

    def _begin_again(self) -> None:
        """No server that was known answers: the address that was configured may lead to others by now."""
        task = asyncio.ensure_future(self._cluster.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._cluster = self._made()
        self.client = cast("redis.Redis", self._cluster)
