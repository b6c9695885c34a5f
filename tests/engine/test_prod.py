"""The production stack in three regions, with managed stores, on one machine."""

from __future__ import annotations

import json
import time
from itertools import pairwise

import httpx
import pytest

from tests.engine.scaling import JOBS_GO, JOBS_WAIT, MOST_JOBS_GO, Scaling
from tests.engine.world import TOPIC, World, finished_job, summary

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
    session = world.session("prod")
    for region in regions:
        assert httpx.post(f"{region.url}/generate", json=TOPIC).status_code == 401
        assert finished_job(region.url, session=session)["status"] == "completed"


def test_a_job_of_one_region_is_read_back_in_every_other(world: World, up: str) -> None:
    regions, session = world.cloud("prod").regions, world.session("prod")
    for owner in regions:
        job = finished_job(owner.url, session=session)["job_id"]
        for other in regions:
            answer = httpx.get(f"{other.url}/status/{job}", headers=session)
            assert answer.status_code == 200, f"{other.name} asked for a job of {owner.name}: {answer.text}"
            assert answer.json()["status"] == "completed"


@pytest.mark.requirement("A03")
def test_each_region_shows_the_page_on_the_domain(world: World, up: str) -> None:
    for region in world.cloud("prod").regions:
        page = httpx.get(region.url, headers={"Host": "contentgen.example.com"})
        assert page.status_code == 200
        assert "<title>Content generation</title>" in page.text


@pytest.mark.requirement("A01")
@pytest.mark.requirement("A02")
def test_each_region_runs_the_autoscalers_of_production(world: World, up: str) -> None:
    for region in REGIONS:
        path = "jsonpath={range .items[*]}{.metadata.name} {.spec.minReplicas} {.spec.maxReplicas};{end}"
        found = world.kubectl("prod", "-n", "contentgen", "get", "hpa", "-o", path, region=region)
        assert found == "cpm 2 10;frontend 2 5;im 2 5;keda-hpa-worker 2 5;"
        path = "jsonpath={range .items[*]}{.metadata.name} {.spec.minReplicaCount} {.spec.maxReplicaCount};{end}"
        queue = world.kubectl("prod", "-n", "contentgen", "get", "scaledobjects.keda.sh", "-o", path, region=region)
        assert queue == "worker 2 5;"


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


@pytest.mark.requirement("K06")
@pytest.mark.requirement("K07")
def test_load_takes_cpm_from_two_to_its_maximum_in_steps_of_four_and_never_beyond(world: World, up: str) -> None:
    scaling = Scaling(world, "prod", "cpm")
    seen = scaling.under("1000m", until=10, seconds=300)
    assert seen[0] == 2
    assert max(seen) == 10
    assert all(later - earlier <= 4 for earlier, later in pairwise(seen))
    assert scaling.under("1000m", until=11, seconds=45) == [10]


@pytest.mark.requirement("K09")
def test_waiting_jobs_take_the_workers_to_their_maximum_one_by_one_and_no_further(world: World, up: str) -> None:
    workers = Scaling(world, "prod", "worker")
    assert workers.replicas() == 2
    for region in REGIONS[1::-1]:
        assert len(world.database("prod", region, JOBS_WAIT)) == 450
    # The first step may be taken before the first look.
    seen = workers.rising(until=5, seconds=240)
    assert seen in ([2, 3, 4, 5], [3, 4, 5])
    assert workers.rising(until=6, seconds=45) == [5]
    assert Scaling(world, "prod", "worker", REGIONS[1]).rising(until=5, seconds=240)[-1] == 5
    assert Scaling(world, "prod", "worker", REGIONS[2]).replicas() == 2


@pytest.mark.requirement("K06")
def test_an_update_leaves_the_replicas_that_the_autoscalers_chose(world: World, up: str) -> None:
    grown = {"cpm": 10, "worker": 5}
    assert {name: Scaling(world, "prod", name).replicas() for name in grown} == grown
    done = world.command("up", "--stack", "prod")
    assert done.returncode == 0, done.stdout[-4000:]
    assert {name: Scaling(world, "prod", name).replicas() for name in grown} == grown


@pytest.fixture(scope="module")
def calm_since(world: World, up: str) -> float:
    """Moment at which the load went; the tests in between are the time that the autoscaler waits before it acts."""
    scaling = Scaling(world, "prod", "cpm")
    # On a busy machine figures may be missing for a while, and the calm would have begun before.
    scaling.noticed("900m")
    since = time.monotonic()
    scaling.use("1m")
    assert len(world.database("prod", REGIONS[0], JOBS_GO)) == 450
    assert len(world.database("prod", REGIONS[1], MOST_JOBS_GO)) == 400
    return since


def test_a_second_up_of_production_changes_nothing(world: World, up: str) -> None:
    done = world.command("up", "--stack", "prod")
    assert done.returncode == 0, done.stdout[-4000:]
    assert summary(done.stdout).endswith("unchanged")
    assert len(summary(done.stdout).splitlines()) == 1


@pytest.mark.requirement("P02")
def test_in_every_region_the_services_reach_the_database_through_two_poolers(
    world: World, up: str, calm_since: float
) -> None:
    for region in REGIONS:
        # A probe that a busy machine answered late takes a pod out for some seconds; it comes back by itself.
        both = ("--for=jsonpath={.status.readyReplicas}=2", "--timeout=60s")
        world.kubectl("prod", "-n", "contentgen", "wait", "deployment/pgbouncer", *both, region=region)
        asked = world.database("prod", region, "SELECT DISTINCT application_name FROM pg_stat_activity")
        # The pooler adds its client's address to the name; who comes directly has none.
        assert any(name.startswith("cpm - 127.") for name in asked), asked


def test_a_refresh_of_production_finds_no_drift(world: World, up: str, calm_since: float) -> None:
    engine = world.engine("prod")
    output = engine.quietly("refresh", "--preview-only", "--stack", "prod")
    assert summary(output).endswith("unchanged")
    assert len(summary(output).splitlines()) == 1


@pytest.mark.requirement("K07")
def test_without_load_cpm_goes_back_one_a_minute_after_five_calm_minutes(
    world: World, up: str, calm_since: float
) -> None:
    scaling = Scaling(world, "prod", "cpm")
    steps = scaling.falling(to=8, seconds=600)
    assert [count for _, count in steps] == [9, 8]
    # The controller asked for many for the last time up to 15 seconds before, a little more on a busy machine.
    assert steps[0][0] - calm_since >= 300 - 20
    assert steps[1][0] - steps[0][0] >= 60 - 15


@pytest.mark.requirement("K09")
def test_while_between_ten_and_a_hundred_jobs_wait_no_worker_goes(world: World, up: str, calm_since: float) -> None:
    calm = time.monotonic() - calm_since
    assert calm > 300, "an instance is taken away only after five minutes"
    assert Scaling(world, "prod", "worker", REGIONS[1]).replicas() == 5


@pytest.mark.requirement("K09")
def test_workers_are_back_at_their_minimum_when_nothing_waits(world: World, up: str, calm_since: float) -> None:
    workers = Scaling(world, "prod", "worker")
    workers.falling(to=2, seconds=600)
    assert workers.rising(until=3, seconds=20) == [2]


def test_production_can_be_taken_down_although_it_is_protected_and_makes_backups(world: World, up: str) -> None:
    every_minute = json.dumps({"spec": {"schedule": "* * * * *"}})
    for region in REGIONS:
        own = ("-n", "contentgen")
        world.kubectl("prod", *own, "patch", "cronjob/backup", "--type=merge", "-p", every_minute, region=region)
        world.kubectl("prod", *own, "create", "job", "--from=cronjob/backup", "at-the-end", region=region)
    world.down("prod")
    assert world.processes() == []
