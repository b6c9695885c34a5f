"""The production stack in three regions, with managed stores, on one machine."""

from __future__ import annotations

import pytest

from tests.engine.world import World, finished_job, summary

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


@pytest.fixture(scope="module")
def up(world: World) -> str:
    done = world.command("up", "--stack", "prod")
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.mark.requirement("G01")
@pytest.mark.requirement("S01")
def test_production_answers_in_each_of_its_three_regions(world: World, up: str) -> None:
    regions = world.cloud("prod").regions
    assert tuple(region.name for region in regions) == REGIONS
    for region in regions:
        assert finished_job(region.url)["status"] == "completed"


@pytest.mark.requirement("A01")
@pytest.mark.requirement("A02")
def test_each_region_runs_the_autoscalers_of_production(world: World, up: str) -> None:
    for region in REGIONS:
        path = "jsonpath={range .items[*]}{.metadata.name} {.spec.minReplicas} {.spec.maxReplicas};{end}"
        found = world.kubectl("prod", "-n", "contentgen", "get", "hpa", "-o", path, region=region)
        assert found == "cpm 2 10;im 2 5;worker 2 5;"


@pytest.mark.requirement("P04")
def test_production_uses_managed_stores_in_every_region(world: World, up: str) -> None:
    for region in REGIONS:
        instances = world.aws("prod", "rds", region).describe_db_instances()["DBInstances"]
        assert len(instances) == 2
        assert [one["MultiAZ"] for one in instances if not one.get("ReadReplicaSourceDBInstanceIdentifier")] == [True]
        assert all(one["StorageEncrypted"] and not one["PubliclyAccessible"] for one in instances)
        groups = world.aws("prod", "elasticache", region).describe_replication_groups()["ReplicationGroups"]
        assert len(groups) == 2
        assert world.kubectl("prod", "-n", "contentgen", "get", "statefulset", "-o", "name", region=region) == ""


@pytest.mark.requirement("G02")
def test_route_53_holds_geolocation_latency_and_failover_records(world: World, up: str) -> None:
    client = world.aws("prod", "route53")
    [zone] = client.list_hosted_zones()["HostedZones"]
    records = client.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    places = [one["GeoLocation"] for one in records if "GeoLocation" in one]
    assert {place.get("ContinentCode", place.get("CountryCode")) for place in places} == {
        "NA", "SA", "EU", "AF", "AS", "OC", "*",
    }  # fmt: skip
    assert {one["Region"] for one in records if "Region" in one} == set(REGIONS)
    assert sum(1 for one in records if one.get("Failover") == "PRIMARY") == 6
    assert len(client.list_health_checks()["HealthChecks"]) == 3


def test_a_second_up_of_production_changes_nothing(world: World, up: str) -> None:
    done = world.command("up", "--stack", "prod")
    assert done.returncode == 0, done.stdout[-4000:]
    assert summary(done.stdout).endswith("unchanged")
    assert len(summary(done.stdout).splitlines()) == 1


def test_a_refresh_of_production_finds_no_drift(world: World, up: str) -> None:
    engine = world.engine("prod")
    output = engine.quietly("refresh", "--preview-only", "--stack", "prod")
    assert summary(output).endswith("unchanged")
    assert len(summary(output).splitlines()) == 1


def test_production_can_be_taken_down_although_it_is_protected(world: World, up: str) -> None:
    done = world.command("down", "--stack", "prod")
    assert done.returncode == 0, done.stdout[-4000:]
    assert "ended with exit code" not in done.stdout
    assert world.processes() == []
    assert not (world.state / "prod").exists()
