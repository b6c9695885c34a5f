"""Dev and staging, the two stacks between local and production: data in the cluster, and managed data."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ops.checkout import CHECKOUT
from tests.engine.releasing import Repository, slack
from tests.engine.scaling import Scaling
from tests.engine.traffic import steady_traffic, unfinished
from tests.engine.world import TOPIC, World, finished_job

STACKS = ("dev", "staging")


@pytest.fixture(scope="module", params=STACKS)
def stack(world: World, request: pytest.FixtureRequest) -> Iterator[str]:
    """Each of them up; its file is given back as it was, and nothing of it is left."""
    name = str(request.param)
    file = CHECKOUT / f"Pulumi.{name}.yaml"
    text = file.read_text()
    done = world.command("up", "--stack", name)
    assert done.returncode == 0, done.stdout[-4000:]
    yield name
    file.write_text(text)
    world.down(name)


@pytest.mark.requirement("S01")
def test_the_stack_answers_with_data_where_its_profile_puts_it(world: World, stack: str) -> None:
    url = world.cloud(stack).regions[0].url
    assert httpx.get(f"{url}/sessions").json()["keys_required"] == (stack == "staging")
    assert httpx.post(f"{url}/generate", json=TOPIC).status_code == {"dev": 202, "staging": 401}[stack]
    assert finished_job(url, session=world.session(stack))["status"] == "completed"
    managed = world.aws(stack, "rds").describe_db_instances()["DBInstances"]
    assert len(managed) == {"dev": 0, "staging": 1}[stack]


def run_now(world: World, stack: str, cronjob: str) -> str:
    """One run of a scheduled job at once, to its end; its output."""
    name = f"{cronjob}-now"
    own = ("-n", "contentgen")
    world.kubectl(stack, *own, "create", "job", f"--from=cronjob/{cronjob}", name)
    world.kubectl(stack, *own, "wait", "--for=condition=Complete", "--timeout=300s", f"job/{name}")
    return world.kubectl(stack, *own, "get", f"job/{name}", "-o", "jsonpath={.status.succeeded}")


@pytest.mark.requirement("W03")
def test_the_stacks_own_jobs_make_a_backup_try_it_and_tell_the_alarms(world: World, stack: str) -> None:
    assert [run_now(world, stack, job) for job in ("backup", "restore-check")] == ["1", "1"]
    client = world.aws(stack, "cloudwatch")
    told = {one["MetricName"] for one in client.list_metrics(Namespace=f"contentgen/{stack}")["Metrics"]}
    alarms = [one for one in client.describe_alarms()["MetricAlarms"] if one["Namespace"] == f"contentgen/{stack}"]
    listened = {one["MetricName"] for one in alarms}
    assert listened == {"BackupSucceeded", "RestoreCheckSucceeded"}
    assert listened <= told
    left = world.database(stack, "us-east-1", "SELECT datname FROM pg_database")
    assert [name for name in left if "scratch" in name] == []


@pytest.mark.requirement("Y07")
def test_reads_of_backups_and_changes_of_the_account_are_on_record(world: World, stack: str) -> None:
    storage = world.aws(stack, "s3")
    buckets = {one["Name"].split("-")[1]: one["Name"] for one in storage.list_buckets()["Buckets"]}
    logging = storage.get_bucket_logging(Bucket=buckets["backup"])["LoggingEnabled"]
    assert logging == {"TargetBucket": buckets["logs"], "TargetPrefix": "access/"}
    client = world.aws(stack, "cloudtrail")
    trails = client.describe_trails()["trailList"]
    assert [one["Name"] for one in trails] == {"dev": [], "staging": ["staging-audit"]}[stack]
    for trail in trails:
        assert trail["LogFileValidationEnabled"]
        assert trail["S3BucketName"] == buckets["logs"]
        assert client.get_trail_status(Name=trail["TrailARN"])["IsLogging"]


@pytest.mark.requirement("S08")
def test_development_has_made_up_data_and_staging_has_none(world: World, stack: str) -> None:
    query = "SELECT count(*) FROM jobs WHERE client_id LIKE 'seed-%'"
    assert world.database(stack, "us-east-1", query) == {"dev": ["60"], "staging": ["0"]}[stack]


@pytest.mark.requirement("S08")
@pytest.mark.requirement("Y07")
def test_the_api_server_gives_each_team_its_rights_and_no_more(world: World, stack: str) -> None:
    def may(group: str, verb: str, thing: str) -> bool:
        kind, _, part = thing.partition("/")
        whom = ("--as", "somebody", "--as-group", group)
        asked = ("auth", "can-i", verb, kind, *([f"--subresource={part}"] if part else []), "-n", "contentgen", *whom)
        return world.answer(stack, *asked).strip() == "yes"

    assert may("engineers", "get", "pods/log")
    assert may("engineers", "create", "pods/exec") == (stack == "dev")
    assert may("quality", "get", "pods") == (stack == "staging")
    for group in ("engineers", "quality"):
        for verb, thing in (("get", "secrets"), ("patch", "deployments"), ("create", "rolebindings")):
            assert not may(group, verb, thing), f"{group} may {verb} {thing}"


def logins(world: World, stack: str) -> dict[str, str]:
    """The two logins of the database, as migrations know them."""
    path = "jsonpath={.items[*].data.database_logins}"
    found = world.kubectl(stack, "-n", "contentgen", "get", "secrets", "-o", path).split()[-1]
    return json.loads(base64.b64decode(found))


def signed_in(world: World, stack: str) -> dict[str, str]:
    """The headers of somebody with an API key who signs in now."""
    statement = (
        "INSERT INTO api_keys (id, key_hash, client_id, name, tier) VALUES ('0123456789ab',"
        " sha256(convert_to('cg_0123456789ab_' || repeat('k', 43), 'UTF8')), 'engine-tests', '', 'business')"
        " RETURNING id"
    )
    key = f"cg_0123456789ab_{'k' * 43}"
    world.database(stack, "us-east-1", statement)
    answer = httpx.post(f"{world.cloud(stack).regions[0].url}/sessions", headers={"X-API-Key": key}, timeout=10)
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


@pytest.mark.requirement("X02")
def test_passwords_are_renewed_by_one_command_and_no_client_notices(world: World, stack: str) -> None:
    url = world.cloud(stack).regions[0].url
    before = logins(world, stack)
    session = signed_in(world, stack)
    with steady_traffic(url, session) as told:
        done = world.command("rotate", "--stack", stack)
        # A rotation may be over soon; clients go on with the new passwords.
        told.wait_for(4)
    assert done.returncode == 0, done.stdout[-4000:]
    assert told.wrong == []
    assert len(told.accepted) > 3
    assert unfinished(url, told.accepted, session) == []
    after = logins(world, stack)
    assert set(after) == set(before)
    assert set(after.values()) & set(before.values()) == set()
    for login, password in after.items():
        assert world.logs_in(stack, login, password)
    for login, password in before.items():
        assert not world.logs_in(stack, login, password)


@pytest.fixture
def hasty(world: World, stack: str) -> Iterator[tuple[Scaling, Scaling]]:
    """cpm and im, whose autoscalers wait for less than five minutes before they take an instance away, and for longer
    than a service waits before it writes the time of another request.
    """
    services = Scaling(world, stack, "cpm"), Scaling(world, stack, "im")
    try:
        for one in services:
            one.wait_before_falling(90)
        yield services
    finally:
        for one in services:
            one.wait_before_falling(300)


@pytest.mark.requirement("K10")
@pytest.mark.parametrize("stack", ["staging"], indirect=True)
def test_nobody_asks_and_one_instance_is_left_until_the_first_request_brings_two_back(
    world: World, stack: str, hasty: tuple[Scaling, Scaling]
) -> None:
    url, session = world.cloud(stack).regions[0].url, world.session(stack)
    assert finished_job(url, session=session)["status"] == "completed"
    for service in hasty:
        assert service.rising(until=2, seconds=60)[-1] == 2
    # Probes and scrapes go on, and count for nothing: the last request's minute passes, and what it had written last.
    for service in hasty:
        service.falling(to=1, seconds=300)
    with steady_traffic(url, session) as told:
        for service in hasty:
            assert service.rising(until=2, seconds=60) in ([1, 2], [2])
        for service in hasty:
            service.ready(2, seconds=120)
    assert told.wrong == []
    assert told.accepted
    assert unfinished(url, told.accepted, session) == []


@pytest.mark.requirement("L02")
@pytest.mark.requirement("A13")
@pytest.mark.parametrize("stack", ["staging"], indirect=True)
def test_a_bad_release_with_a_migration_goes_back_by_itself_and_slack_hears_of_it(
    world: World, stack: str, tmp_path: Path
) -> None:
    with slack() as (hook, heard):
        repository = Repository(tmp_path / "repository", world, {"SLACK_WEBHOOK": hook, "WATCH_SECONDS": "30"})
        before = repository.begin()
        assert repository.released(stack) == 0
        revision = repository.add_migration()
        repository.add_protected_resource()
        repository.break_the_contract()
        repository.commit("A change of the contract, which nobody noticed")
        assert repository.released(stack) == 1
    assert [one["status"] for one in heard] == ["released", "rolled back"]
    assert "/generate answers no JSON object with a text 'job_id'" in heard[1]["text"]
    url, session = world.cloud(stack).regions[0].url, world.session(stack)
    # Only the release before answers: the bad one names no job.
    answers = [finished_job(url, session=session)["status"] for _ in range(6)]
    assert answers == ["completed"] * 6
    assert world.database(stack, "us-east-1", "SELECT version_num FROM alembic_version") == [revision]
    kept = {str(one["urn"]).rpartition("::")[2]: one for one in world.resources(stack)}
    assert kept["added-by-the-release"]["protect"]
    assert kept[f"contentgen-{stack}"]["outputs"]["commit"] == before
