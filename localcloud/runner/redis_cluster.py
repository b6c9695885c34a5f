"""Servers of a Redis in cluster mode become one cluster: each shard's primary has its share of the slots (R02)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import redis.asyncio

SLOTS: Final = 16384
BUS_OFFSET: Final = 10_000
"""Nodes talk to each other on the port that they listen on, plus this (Redis, cluster specification)."""
NODE_TIMEOUT_MS: Final = 5000


@dataclass(frozen=True)
class Shard:
    """Server of one shard: its address, the port that it listens on, and the port that clients are sent to."""

    address: str
    port: int
    public_port: int

    @property
    def bus_port(self) -> int:
        return self.port + BUS_OFFSET


def parameters(host: str, shard: Shard) -> Mapping[str, str]:
    """Directives of one shard's server. Clients are sent to names, as ElastiCache does with encryption in transit, and
    a lost shard takes its own keys away alone.
    """
    return {
        "cluster-enabled": "yes",
        "cluster-node-timeout": str(NODE_TIMEOUT_MS),
        "cluster-require-full-coverage": "no",
        "cluster-preferred-endpoint-type": "hostname",
        "cluster-announce-ip": shard.address,
        "cluster-announce-hostname": host,
        "cluster-announce-port": str(shard.public_port),
        "cluster-announce-bus-port": str(shard.bus_port),
    }


def share(place: int, of: int) -> tuple[int, int]:
    """First and last slot of the shard at a place, counted from 0; the shares differ by one slot at most."""
    return place * SLOTS // of, (place + 1) * SLOTS // of - 1


async def form(shards: tuple[Shard, ...], password: str) -> bool:
    """Bring the cluster one step on; True when every node sees all shards and all slots. Raises RedisError."""
    formed = True
    for place, shard in enumerate(shards):
        client = redis.asyncio.Redis(host=shard.address, port=shard.port, password=password, decode_responses=True)
        try:
            formed &= await _step(client, place, shards)
        finally:
            await client.aclose()
    return formed


async def _step(client: redis.asyncio.Redis, place: int, shards: tuple[Shard, ...]) -> bool:
    nodes = await client.execute_command("CLUSTER NODES")
    assert nodes is not None
    mine = next(node for node in nodes.values() if "myself" in node["flags"])
    if not mine["slots"]:
        await client.execute_command("CLUSTER ADDSLOTSRANGE", *share(place, len(shards)))
    if len(nodes) < len(shards):
        for other in shards[:place] + shards[place + 1 :]:
            await client.execute_command("CLUSTER MEET", other.address, other.public_port, other.bus_port)
    state = await client.execute_command("CLUSTER INFO")
    assert state is not None
    return state["cluster_state"] == "ok" and int(state["cluster_slots_assigned"]) == SLOTS
