"""DNS records of a stack as plain data, and a model of Route 53's answers to a client.

AWS refuses two routing policies under one name, and failover is only PRIMARY or SECONDARY. So each policy has a name of
its own, tied by aliases: geolocation at api.<domain>, whose default place is the latency set; each place goes to its
region's failover chain, which nests once for every further region. docs/decisions/region-model.md has the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from infra.catalog.regions import Continent, Region
from stacks.specs.dns import Policy, RecordSpec

HEALTH_INTERVAL_SECONDS: Final = 30
HEALTH_FAILURES: Final = 3
TTL_SECONDS: Final = 60


@dataclass(frozen=True)
class Client:
    """Client of a DNS query.

    continent: continent of the client's address.
    nearest: regions by latency, nearest first.
    """

    continent: Continent
    nearest: tuple[str, ...]


def api_name(domain: str) -> str:
    return f"api.{domain}"


def edge_name(region: Region, domain: str) -> str:
    """The name that a region's load balancer answers at, published by the cluster's own DNS controller."""
    return f"edge-{region.code}.{domain}"


def public_names(domain: str, region: Region) -> tuple[str, str, str]:
    """Host names of a region's edge: the page's, the API's, and the region's own, for other regions."""
    return domain, api_name(domain), edge_name(region, domain)


def routing_table(regions: tuple[Region, ...], domain: str) -> tuple[RecordSpec, ...]:
    """The records for regions given in priority order."""
    api = api_name(domain)
    leaves = [
        RecordSpec(_leaf(region, domain), Policy.SIMPLE, target=edge_name(region, domain), health_region=region.code)
        for region in regions
    ]
    if len(regions) == 1:
        # Geolocation like everywhere, because Route 53 refuses another policy beside it when a region is added.
        return (*leaves, RecordSpec(api, Policy.GEOLOCATION, "*", alias=leaves[0].name))
    chains = [record for region in regions for record in _chain(region, regions, domain)]
    latency = [
        RecordSpec(f"latency.{api}", Policy.LATENCY, region.code, alias=_chain_name(region, domain))
        for region in regions
    ]
    places = [
        RecordSpec(api, Policy.GEOLOCATION, continent.value, alias=_chain_name(region, domain))
        for region in regions
        for continent in region.home_of
    ]
    return (*leaves, *chains, *latency, *places, RecordSpec(api, Policy.GEOLOCATION, "*", alias=f"latency.{api}"))


def answer(table: tuple[RecordSpec, ...], name: str, client: Client, healthy: frozenset[str]) -> str | None:
    """The outside name that Route 53 gives a client, for a set of healthy regions.

    As Route 53 does, an unhealthy record is passed over, and when every record of a set is unhealthy they are all
    treated as healthy, so some answer always comes.
    """
    records = [record for record in table if record.name == name]
    chosen = _chosen(table, records, client, healthy)
    if chosen is None:
        return None
    return chosen.target if chosen.alias is None else answer(table, chosen.alias, client, healthy)


def _leaf(region: Region, domain: str) -> str:
    return f"{region.code}.{api_name(domain)}"


def _chain_name(region: Region, domain: str, depth: int = 1) -> str:
    suffix = "" if depth == 1 else f"-{depth}"
    return f"failover-{region.code}{suffix}.{api_name(domain)}"


def _chain(home: Region, regions: tuple[Region, ...], domain: str) -> Iterator[RecordSpec]:
    """PRIMARY is the region itself, SECONDARY the rest in priority order, nested until two are left."""
    order = (home, *(region for region in regions if region is not home))
    for depth, region in enumerate(order[:-1], start=1):
        name = _chain_name(home, domain, depth)
        last = depth == len(order) - 1
        rest = _leaf(order[-1], domain) if last else _chain_name(home, domain, depth + 1)
        # Checked here too: AWS documents health checks for records that are chosen among several, which leaves are not.
        yield RecordSpec(name, Policy.FAILOVER, "PRIMARY", alias=_leaf(region, domain), health_region=region.code)
        yield RecordSpec(name, Policy.FAILOVER, "SECONDARY", alias=rest)


def _healthy(table: tuple[RecordSpec, ...], record: RecordSpec, healthy: frozenset[str]) -> bool:
    """A record with a check is as healthy as its region; an alias as the records it points to, any of them."""
    if record.health_region is not None:
        return record.health_region in healthy
    return any(_healthy(table, other, healthy) for other in table if other.name == record.alias)


def _chosen(
    table: tuple[RecordSpec, ...], records: list[RecordSpec], client: Client, healthy: frozenset[str]
) -> RecordSpec | None:
    usable = [record for record in records if _healthy(table, record, healthy)] or records
    by_key = {record.key: record for record in usable}
    match records[0].policy if records else None:
        case Policy.FAILOVER:
            return by_key.get("PRIMARY") or by_key.get("SECONDARY")
        case Policy.LATENCY:
            return next((by_key[code] for code in client.nearest if code in by_key), None)
        case Policy.GEOLOCATION:
            return by_key.get(client.continent.value) or by_key.get("*")
        case Policy.SIMPLE:
            return usable[0]
        case _:
            return None
