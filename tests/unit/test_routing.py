"""Region that answers each client: the routing table read as Route 53 reads it, for every outage there can be."""

from __future__ import annotations

from itertools import chain, combinations, permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.catalog.regions import BY_CODE, REGIONS, Continent, Region, in_priority_order
from stacks.networking.dns_routing import TTL_SECONDS, Client, answer, api_name, edge_name, routing_table
from stacks.specs.dns import Policy, RecordSpec
from stacks.specs.paths import READY_PATH

DOMAIN = "example.com"
API = api_name(DOMAIN)
CODES = tuple(region.code for region in REGIONS)
HOMES = {continent: region.code for region in REGIONS for continent in region.home_of}


def subsets(codes: tuple[str, ...]) -> list[frozenset[str]]:
    return [frozenset(found) for size in range(len(codes) + 1) for found in combinations(codes, size)]


def clients(codes: tuple[str, ...]) -> list[Client]:
    return [Client(continent, order) for continent, order in product(Continent, permutations(codes))]


def answered(table: tuple[RecordSpec, ...], client: Client, healthy: frozenset[str]) -> str:
    """The region whose edge the client is sent to."""
    name = answer(table, API, client, healthy)
    (region,) = (region for region in REGIONS if edge_name(region, DOMAIN) == name)
    return region.code


def expected(regions: tuple[Region, ...], client: Client, healthy: frozenset[str]) -> str:
    """The rule in one sentence: the client's home, or without one the nearest; when that is down, by priority."""
    here = [region.code for region in regions]
    home = HOMES.get(client.continent)
    first = home if home in here else next(code for code in client.nearest if code in here)
    return next((code for code in (first, *here) if code in healthy), first)


regions_in_any_order = st.lists(st.sampled_from(REGIONS), min_size=1, unique=True).map(tuple)


@pytest.mark.requirement("G03")
def test_for_every_outage_and_every_client_a_healthy_region_answers_while_there_is_one() -> None:
    table = routing_table(REGIONS, DOMAIN)
    for healthy, client in product(subsets(CODES), clients(CODES)):
        code = answered(table, client, healthy)
        assert code in healthy or not healthy, f"{client} with {set(healthy)} healthy was sent to {code}"


@pytest.mark.requirement("G03")
def test_when_no_region_is_healthy_clients_are_still_sent_to_their_own() -> None:
    table = routing_table(REGIONS, DOMAIN)
    for client in clients(CODES):
        assert answered(table, client, frozenset()) == HOMES.get(client.continent, client.nearest[0])


@pytest.mark.requirement("G02")
def test_geography_decides_then_latency_then_the_priority_us_east_eu_west_asia_pacific() -> None:
    assert [region.area for region in REGIONS] == ["us-east", "eu-west", "asia-pacific"]
    table = routing_table(REGIONS, DOMAIN)
    for healthy, client in product(subsets(CODES), clients(CODES)):
        assert answered(table, client, healthy) == expected(REGIONS, client, healthy)


@pytest.mark.requirement("G02")
def test_the_priority_is_the_programs_whatever_order_a_stack_file_has() -> None:
    named = in_priority_order(("ap-southeast-1", "us-east-1", "eu-west-1"))
    assert [region.code for region in named] == ["us-east-1", "eu-west-1", "ap-southeast-1"]


@given(regions=regions_in_any_order, data=st.data())
def test_the_same_holds_for_any_regions_in_any_order(regions: tuple[Region, ...], data: st.DataObject) -> None:
    codes = tuple(region.code for region in regions)
    healthy = frozenset(data.draw(st.sets(st.sampled_from(codes))))
    client = Client(data.draw(st.sampled_from(Continent)), tuple(data.draw(st.permutations(codes))))
    assert answered(routing_table(regions, DOMAIN), client, healthy) == expected(regions, client, healthy)


def test_the_model_shows_what_a_table_without_its_second_halves_and_default_would_do() -> None:
    broken = tuple(one for one in routing_table(REGIONS, DOMAIN) if one.key not in ("SECONDARY", "*"))
    client = Client(Continent.EUROPE, CODES)
    assert answered(broken, client, frozenset(CODES)) == "eu-west-1"
    assert answer(broken, API, client, frozenset({"us-east-1"})) is None


@pytest.mark.requirement("G02")
@given(regions=regions_in_any_order)
def test_no_name_mixes_policies_and_failover_comes_in_pairs(regions: tuple[Region, ...]) -> None:
    table = routing_table(regions, DOMAIN)
    for name in {record.name for record in table}:
        records = [record for record in table if record.name == name]
        assert len({record.policy for record in records}) == 1
        assert len({record.identifier for record in records}) == len(records)
        if records[0].policy is Policy.FAILOVER:
            assert sorted(record.key for record in records) == ["PRIMARY", "SECONDARY"]
        if records[0].policy is Policy.SIMPLE:
            assert len(records) == 1


@given(regions=regions_in_any_order)
def test_every_alias_leads_to_an_edge_and_never_round_in_a_circle(regions: tuple[Region, ...]) -> None:
    table = routing_table(regions, DOMAIN)

    def ends(name: str, seen: frozenset[str]) -> set[str]:
        assert name not in seen, f"{name} leads back to itself"
        records = [record for record in table if record.name == name]
        assert records, f"an alias names {name}, which is not in the table"
        for record in records:
            assert (record.alias is None) != (record.target is None)
        return set(
            chain.from_iterable(ends(one.alias, seen | {name}) if one.alias else {one.target} for one in records)
        )

    assert ends(API, frozenset()) == {edge_name(region, DOMAIN) for region in regions}


@pytest.mark.requirement("G02")
def test_there_is_a_place_for_everybody_and_a_latency_set_behind_it() -> None:
    table = routing_table(REGIONS, DOMAIN)
    places = {record.key: record.alias for record in table if record.name == API}
    assert set(places) == {continent.value for continent in HOMES} | {"*"}
    nearest = {record.key for record in table if record.name == places["*"] and record.policy is Policy.LATENCY}
    assert nearest == set(CODES)


def test_each_edge_has_a_health_check() -> None:
    table = routing_table(REGIONS, DOMAIN)
    assert {one.health_region: one.target for one in table if one.health_region and one.target} == {
        code: edge_name(BY_CODE[code], DOMAIN) for code in CODES
    }
    assert READY_PATH == "/ready"
    assert TTL_SECONDS <= 60


def test_regions_are_put_in_priority_order_whatever_order_a_file_lists_them_in() -> None:
    for order in permutations(CODES):
        assert in_priority_order(order) == REGIONS


def test_a_name_that_is_not_in_the_table_has_no_answer() -> None:
    table = routing_table(REGIONS, DOMAIN)
    assert answer(table, "www.example.com", Client(Continent.ASIA, CODES), frozenset(CODES)) is None


def test_the_name_of_the_api_has_one_policy_whether_there_is_one_region_or_several() -> None:
    for count in (1, 2, 3):
        records = [one for one in routing_table(REGIONS[:count], DOMAIN) if one.name == API]
        assert {one.policy for one in records} == {Policy.GEOLOCATION}
        assert [one.key for one in records].count("*") == 1


def test_every_primary_carries_its_regions_health_check() -> None:
    primaries = [one for one in routing_table(REGIONS, DOMAIN) if one.key == "PRIMARY"]
    assert len(primaries) == 6
    assert all(one.health_region and str(one.alias).startswith(one.health_region) for one in primaries)
