"""Messages of rules about a stack of a few resources, word by word: the resource, the finding, the value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.examples import COMPLIANT
from policies.examples.base import in_aws
from policies.reading import Value
from policies.rule import GONE, Gone, Resource
from policies.rules.edge import GATEWAY, LISTENER
from policies.testing import as_function, changed
from tests.policies.conftest import config_of, of_name

Config = dict[str, Value]
API = "api.shop.example.com"
HTTPS: Value = {"name": "https", "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "edge"}]}}
HTTP: Value = {"name": "http", "protocol": "HTTP"}


def of(example: str, type_: str = "", **changes: Value | Gone) -> Resource:
    """An example with changed properties; two underscores stand for a slash."""
    resource = COMPLIANT[example]
    for path, value in changes.items():
        resource = replace(resource, properties=changed(resource.properties, f"/{path.replace('__', '/')}", value))
    return replace(resource, type=type_ or resource.type)


def said(name: str, *stack: Resource, **config: Value) -> list[str]:
    rule = of_name(name)
    return as_function(rule, stack, {**config_of(rule), **config})


def test_a_pool_without_overflow_and_processes_is_one_of_one_process() -> None:
    autoscaler = of("autoscaler")
    fits = of("config", data={"DATABASE_POOL_SIZE": "19"})
    fits = replace(fits, properties={**fits.properties, "metadata": COMPLIANT["config"].properties["metadata"]})
    assert said("connections-in-the-worst-case", fits, autoscaler) == []
    larger = replace(fits, properties=changed(fits.properties, "/data/DATABASE_POOL_SIZE", "20"))
    (told,) = said("connections-in-the-worst-case", larger, autoscaler)
    assert "cpm 200 = 200 connections in the worst case; the database leaves 190" in told


def test_what_a_namespace_lacks_is_named() -> None:
    namespace, quota, ranges = of("namespace"), of("quota"), of("limit range")
    name = namespace.name
    assert said("namespace-quota", namespace, quota, ranges) == []
    assert said("namespace-quota", namespace, ranges) == [f"{name}: has no ResourceQuota that limits all of its pods"]
    assert said("namespace-quota", namespace, quota) == [f"{name}: has no LimitRange of type Container"]


@pytest.mark.parametrize(("example", "own", "other"), [("database", "multiAz", "multiAzEnabled")])
def test_a_store_in_several_zones_is_refused_where_none_is_needed(example: str, own: str, other: str) -> None:
    for store, mine, foreign in ((example, own, other), ("cache", other, own)):
        single = of(store, **{mine: False, foreign: True})
        assert said("known-sizes", single, severalZones=False) == []
        (told,) = said("known-sizes", of(store, **{mine: True, foreign: False}), severalZones=False)
        assert "is in several zones" in told


def test_a_gateway_has_a_listener_of_tls_whatever_else_it_has() -> None:
    def gateway(*listeners: Value) -> Resource:
        return of("gateway", GATEWAY, spec__listeners=list(listeners))

    assert said("tls-only", gateway(HTTPS)) == []
    assert said("tls-only", gateway(HTTP)) == ["edge-gateway: has no TLS listener; add one with protocol HTTPS"]


@pytest.mark.parametrize("policy", ["ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS-1-2-2017-01"])
def test_a_load_balancer_of_tls_has_a_policy_of_1_2_or_1_3(policy: str) -> None:
    def listener(**properties: Value) -> Resource:
        return in_aws(LISTENER.removeprefix("aws:"), "front", properties)

    assert said("tls-only", listener(protocol="HTTPS", sslPolicy=policy)) == []
    assert said("tls-only", listener(protocol="TLS", sslPolicy="ELBSecurityPolicy-2016-08")) == [
        "front: sslPolicy is ELBSecurityPolicy-2016-08; allowed are those of TLS 1.2 and 1.3"
    ]
    assert said("tls-only", listener(protocol="HTTP", defaultActions=[{"redirect": {"protocol": "HTTPS"}}])) == []
    wrong = ["front: a listener of protocol HTTP must only redirect to HTTPS"]
    assert said("tls-only", listener(protocol="HTTP", defaultActions=[{"redirect": {"protocol": "HTTP"}}])) == wrong
    assert said("tls-only", listener(protocol="HTTP", defaultActions=[{"type": "forward"}])) == wrong
    assert said("tls-only", listener(protocol="HTTP")) == wrong


def test_a_redirect_for_good_keeps_the_method() -> None:
    filters = "spec__rules__0__filters__0__requestRedirect__statusCode"
    assert said("tls-only", of("redirect", **{filters: 308})) == []
    assert said("tls-only", of("redirect", **{filters: 302})) != []


def test_a_port_that_is_not_stated_is_reachable_too() -> None:
    (told,) = said("internal-services", of("service", spec__type="LoadBalancer", spec__ports=[{}]))
    assert told.endswith("a LoadBalancer on port absent is reachable from outside; allowed are 80 and 443")


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("aB3dE5gH7jK9mN1pQ2s", True),
        ("aB3dE5gH7jK9mN1pQ2sT", False),
        ("aB3dE5gH7jK9mN1pQQ" + "aB3dE5gH7jK9mN1p", False),
        ("aB3dE5gH7jK9mN1p" * 2, True),
    ],
    ids=["19 characters", "20 characters", "more than 4 bits a character", "exactly 4"],
)
def test_what_looks_like_a_key_has_20_characters_and_more_than_4_bits_each(value: str, good: bool) -> None:
    assert (said("no-plain-secrets", of("config", data__STRANGE=value)) == []) is good


DATABASE, ALARM = of("database"), of("alarm")


def store(image: str) -> Resource:
    """A stateful set of one container."""
    return of("store", spec__template__spec__containers=[{"name": "server", "image": image}])


@pytest.mark.parametrize(
    "database", [DATABASE, store("registry/postgres:17@sha256:0")], ids=["managed", "in the cluster"]
)
def test_each_kind_of_database_is_backed_up_tried_and_watched(database: Resource) -> None:
    assert said("database-has-backup", database) == [
        f"{database.name}: a database without a scheduled job called backup"
    ]
    assert said("backup-is-tried", database) == [
        f"{database.name}: no scheduled job restores its backups; declare one called restore",
        f"{database.name}: has no alarm on missing backups: no alarm names backup",
    ]
    assert said("backup-is-tried", of("restore test"), database, ALARM) == []


@pytest.mark.parametrize("name", ["database-has-backup", "backup-is-tried"])
def test_replicas_and_other_stores_need_no_backup_of_their_own(name: str) -> None:
    replica = of("database", replicateSourceDb="primary")
    assert said(name, replica, store("registry/redis@sha256:0")) == []


@pytest.mark.parametrize("image", ["postgres:17", "registry:5000/postgis@sha256:0", "registry/mysql:8@sha256:0"])
def test_a_server_is_known_by_the_own_name_of_its_image(image: str) -> None:
    assert said("database-has-backup", store(image))
    assert said("database-has-backup", store(f"registry/postgres/exporter{image[-2:]}")) == []


def test_a_cache_that_states_no_nodes_has_none() -> None:
    (told,) = said("stand-in-zone", of("cache", numCacheClusters=GONE), nodes=1)
    assert told == "cache: numCacheClusters is absent; it must be 1 or more"
    assert said("stand-in-zone", of("cache", numCacheClusters=1), nodes=1) == []


def chain(home: str, first: str, second: str) -> tuple[Resource, Resource]:
    """A name's two records, the secondary before the primary, as a stack may list them."""
    primary = of("primary of us-east-1", name=f"failover-{home}.{API}", aliases__0__name=first)
    secondary = of("secondary of us-east-1", name=f"failover-{home}.{API}", aliases__0__name=second)
    return replace(secondary, name=f"{home} 2"), replace(primary, name=f"{home} 1")


def leaf(region: str) -> Resource:
    return replace(of("record of us-east-1", name=f"{region}.{API}"), name=region)


REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
LEAVES = tuple(leaf(region) for region in REGIONS)
PRIORITY: Config = {"priority": list(REGIONS)}


def three(home: str, second: str, third: str) -> tuple[Resource, ...]:
    inner = chain(f"{home}-rest", f"{second}.{API}", f"{third}.{API}")
    return (*chain(home, f"{home}.{API}", f"failover-{home}-rest.{API}"), *inner)


def test_a_chain_goes_from_its_home_in_the_agreed_order() -> None:
    for home, second, third in (REGIONS, ("eu-west-1", "us-east-1", "ap-southeast-1")):
        assert said("failover-chain", *LEAVES, *three(home, second, third), **PRIORITY) == []
        assert said("failover-chain", *LEAVES, *three(home, third, second), **PRIORITY) == [
            f"{home} 2: failover-{home}.{API} goes {home} then {third} then {second}; agreed is "
            + " then ".join((home, second, third))
        ]


def test_a_chain_that_comes_back_or_leads_nowhere_is_told_of_at_its_first_record() -> None:
    twice = chain("us-east-1", f"us-east-1.{API}", f"us-east-1.{API}")
    assert said("failover-chain", *LEAVES, *twice, **PRIORITY) == [
        f"us-east-1 2: failover-us-east-1.{API} comes to a region twice: us-east-1 then us-east-1"
    ]
    circle = chain("us-east-1", f"us-east-1.{API}", f"failover-us-east-1.{API}")
    (told,) = said("failover-chain", *LEAVES, *circle, **PRIORITY)
    assert told.startswith(f"us-east-1 2: the chain comes back to failover-us-east-1.{API}")


def test_a_deployment_that_states_no_instances_has_one() -> None:
    alone = of("deployment")
    budget = of("disruption budget", spec__maxUnavailable=GONE, spec__minAvailable=1)
    assert f"{budget.name}: minAvailable 1 of 1 instances allows no eviction" in said(
        "several-instances", alone, budget
    )


def test_a_stop_has_exactly_the_time_of_its_pause_and_its_drain() -> None:
    drains: Value = {"exec": {"command": ["drain"]}}
    hook = "spec__template__spec__containers__0__lifecycle__preStop"
    grace = "spec__template__spec__terminationGracePeriodSeconds"
    assert said("graceful-stop", of("deployment", **{hook: drains, grace: 25})) == []
    assert said("graceful-stop", of("deployment", **{hook: drains, grace: 24})) != []
    assert said("graceful-stop", of("deployment", **{hook: {"sleep": {"seconds": 6}}, grace: 31})) == []
    (told,) = said("graceful-stop", of("deployment", **{hook: {"sleep": {"seconds": 6}}, grace: 30}))
    assert "is 30; it must be 31 or more" in told


def test_memory_at_its_limit_passes_and_a_limit_that_is_no_size_lets_nothing_pass() -> None:
    limit = "spec__template__spec__containers__0__resources__limits__memory"
    assert said("scale-limits", of("deployment", **{limit: "2Gi"})) == []
    assert said("scale-limits", of("deployment", **{limit: "2049Mi"})) != []
    assert said("scale-limits", of("deployment", **{limit: "1"}), memory="much") != []


def test_a_second_autoscaler_is_told_of_with_the_first() -> None:
    first = of("autoscaler")
    second, third = replace(first, name="second"), replace(first, name="third")
    found = said("one-owner-of-replicas", of("deployment"), first, second, third)
    told = f"scales cpm, as {first.name} does; a Deployment has one autoscaler"
    assert found == [f"second: {told}", f"third: {told}", f"third: {told.replace(first.name, 'second')}"]
