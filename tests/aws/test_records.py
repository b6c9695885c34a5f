"""Route 53 records: every policy, and what AWS refuses where moto says yes (requirement G02)."""

from __future__ import annotations

import grpc
import pytest

from localcloud.provider.values import Properties, Value
from tests.aws.cases import zone
from tests.aws.driver import Made
from tests.aws.world import World

RECORD = "aws:route53/record:Record"


class Zone:
    """A zone of one test, with records in it."""

    def __init__(self, world: World) -> None:
        self.world, self.made = world, zone(world)
        self.domain = self.made.text("name")

    def record(self, name: str, identifier: str = "", **more: Value) -> Made:
        """Make a record."""
        return self.world.make(RECORD, f"{name}-{identifier}", self.inputs(name, identifier, **more))

    def inputs(self, name: str, identifier: str = "", **more: Value) -> Properties:
        """A record's inputs: an address unless told otherwise."""
        target: Properties = {} if "aliases" in more else {"ttl": 60, "records": ["192.0.2.1"]}
        mark: Properties = {"setIdentifier": identifier} if identifier else {}
        where: Properties = {"zoneId": self.made.id, "name": f"{name}.{self.domain}", "type": "A"}
        return {**where, **target, **mark, **more}

    def alias(self, name: str) -> Value:
        """An alias to a name of this zone."""
        return [{"name": f"{name}.{self.domain}", "zoneId": self.made.id, "evaluateTargetHealth": True}]

    def seen(self) -> list[dict[str, object]]:
        """Records that boto3 sees, without the zone's own."""
        sets = self.world.boto("route53").list_resource_record_sets(HostedZoneId=self.made.id)["ResourceRecordSets"]
        return [one for one in sets if one["Type"] not in ("NS", "SOA")]


@pytest.fixture
def dns(world: World) -> Zone:
    return Zone(world)


def refusal(error: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    return error.value.details()


def latency(region: str) -> Value:
    return [{"region": region}]


POLICIES: dict[str, tuple[Properties, dict[str, object]]] = {
    "latency": ({"latencyRoutingPolicies": latency("us-east-1")}, {"Region": "us-east-1"}),
    "failover": ({"failoverRoutingPolicies": [{"type": "PRIMARY"}]}, {"Failover": "PRIMARY"}),
    "continent": (
        {"geolocationRoutingPolicies": [{"continent": "EU"}]},
        {"GeoLocation": {"ContinentCode": "EU"}},
    ),
    "everywhere": ({"geolocationRoutingPolicies": [{"country": "*"}]}, {"GeoLocation": {"CountryCode": "*"}}),
    "weighted": ({"weightedRoutingPolicies": [{"weight": 10}]}, {"Weight": 10}),
    "multivalue": ({"multivalueAnswerRoutingPolicy": True}, {"MultiValueAnswer": True}),
}


@pytest.mark.parametrize(("declared", "expected"), POLICIES.values(), ids=POLICIES)
def test_each_policy_arrives_and_survives_a_refresh(
    dns: Zone, declared: Properties, expected: dict[str, object]
) -> None:
    check = dns.world.make(
        "aws:route53/healthCheck:HealthCheck", "check", {"type": "HTTPS", "fqdn": "us.example.org", "port": 443}
    )
    inputs: Properties = {**declared, "healthCheckId": check.id}
    made = dns.record("api", "one", **inputs)
    (seen,) = dns.seen()
    assert {key: seen[key] for key in expected} == expected
    assert (seen["SetIdentifier"], seen["HealthCheckId"]) == ("one", check.id)
    refreshed = dns.world.driver.refresh(made)
    assert refreshed is not None
    assert dict(dns.world.driver.diff(refreshed, dns.inputs("api", "one", **inputs)).detailedDiff) == {}


def test_several_policies_under_one_name_are_refused(dns: Zone) -> None:
    dns.record("api", "one", latencyRoutingPolicies=latency("us-east-1"))
    with pytest.raises(grpc.RpcError) as error:
        dns.record("api", "two", geolocationRoutingPolicies=[{"continent": "EU"}])
    assert "its policy is geolocation, but a latency record" in refusal(error)
    assert len(dns.seen()) == 1


def test_a_simple_record_beside_one_with_a_policy_is_refused(dns: Zone) -> None:
    dns.record("api", "one", latencyRoutingPolicies=latency("us-east-1"))
    with pytest.raises(grpc.RpcError) as error:
        dns.record("api")
    assert "its policy is simple, but a latency record" in refusal(error)


def test_two_policies_in_one_record_are_refused_before_anything_is_made(dns: Zone) -> None:
    inputs = dns.inputs(
        "api", "one", latencyRoutingPolicies=latency("us-east-1"), failoverRoutingPolicies=[{"type": "PRIMARY"}]
    )
    failures = dns.world.driver.check(RECORD, "api", inputs).failures
    assert "has failover, latency" in failures["setIdentifier"]


@pytest.mark.parametrize("kind", ["TERTIARY", "primary", ""])
def test_failover_is_primary_or_secondary(dns: Zone, kind: str) -> None:
    inputs = dns.inputs("api", "one", failoverRoutingPolicies=[{"type": kind}])
    failures = dns.world.driver.check(RECORD, "api", inputs).failures
    assert "PRIMARY and SECONDARY" in failures["failoverRoutingPolicies[0].type"]


def test_two_primaries_under_one_name_are_refused(dns: Zone) -> None:
    dns.record("api", "one", failoverRoutingPolicies=[{"type": "PRIMARY"}])
    with pytest.raises(grpc.RpcError) as error:
        dns.record("api", "two", failoverRoutingPolicies=[{"type": "PRIMARY"}])
    assert "same failover value" in refusal(error)


def test_an_alias_to_a_name_that_is_not_there_yet_is_refused(dns: Zone) -> None:
    with pytest.raises(grpc.RpcError) as error:
        dns.record("api", aliases=dns.alias("latency"))
    assert "does not exist in its zone yet" in refusal(error)
    dns.record("latency", "one", latencyRoutingPolicies=latency("us-east-1"))
    made = dns.record("api", aliases=dns.alias("latency"))
    assert dns.world.driver.refresh(made) is not None


def test_a_cname_stands_alone_and_not_at_the_apex(dns: Zone) -> None:
    target: Properties = {"type": "CNAME", "records": ["elsewhere.example.org"]}
    dns.record("api")
    with pytest.raises(grpc.RpcError) as beside:
        dns.record("api", **target)
    assert "a CNAME stands alone" in refusal(beside)
    with pytest.raises(grpc.RpcError) as apex:
        dns.world.make(RECORD, "apex", {**dns.inputs("x"), **target, "name": dns.domain})
    assert "apex" in refusal(apex)


@pytest.mark.parametrize(
    ("more", "property_", "words"),
    [
        ({"records": None}, "records", "either aliases or records"),
        ({"ttl": None}, "ttl", "needs ttl"),
        ({"setIdentifier": "lonely"}, "setIdentifier", "only for records with a routing policy"),
        ({"latencyRoutingPolicies": [{"region": "us-east-1"}]}, "setIdentifier", "needs setIdentifier"),
        ({"type": "ALIAS"}, "type", "Route 53 allows"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(dns: Zone, more: Properties, property_: str, words: str) -> None:
    inputs = {name: value for name, value in {**dns.inputs("api"), **more}.items() if value is not None}
    assert words in dns.world.driver.check(RECORD, "api", inputs).failures[property_]


def test_another_set_identifier_exchanges_the_record_in_one_change(dns: Zone) -> None:
    made = dns.record("api", "one", latencyRoutingPolicies=latency("us-east-1"))
    wanted = dns.inputs("api", "two", latencyRoutingPolicies=latency("us-east-1"))
    changed = dns.world.driver.update(made, wanted)
    assert [one["SetIdentifier"] for one in dns.seen()] == ["two"]
    dns.world.driver.delete(changed)
    assert dns.seen() == []


def test_a_text_record_is_quoted_on_the_way_and_bare_on_the_way_back(dns: Zone) -> None:
    made = dns.record("_token", type="TXT", records=["a value with spaces"])
    (seen,) = dns.seen()
    assert seen["ResourceRecords"] == [{"Value": '"a value with spaces"'}]
    assert made.state["records"] == ["a value with spaces"]
    imported = dns.world.driver.adopt(RECORD, "imported", made.id)
    assert imported is not None
    assert imported.inputs["records"] == ["a value with spaces"]


def test_a_zone_with_other_people_s_records_goes_only_by_force(dns: Zone) -> None:
    dns.record("api")
    with pytest.raises(grpc.RpcError) as error:
        dns.world.driver.delete(dns.made)
    assert "HostedZoneNotEmpty" in refusal(error)
    forced = dns.world.driver.update(dns.made, {"name": dns.domain, "forceDestroy": True})
    dns.world.driver.delete(forced)
    assert dns.world.driver.refresh(forced) is None
