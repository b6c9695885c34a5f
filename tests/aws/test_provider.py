"""Behaviour of the provider with every type: configuration, refusals, names, tags, regions, secrets, retries."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, status_pb2

from infra import providers
from localcloud.aws.permissions.rights import RIGHTS
from localcloud.aws.types import TYPES
from localcloud.provider.schema import schema_of
from localcloud.provider.values import DEFAULTS, UNKNOWN, Properties, Secret, Value, reveal
from localcloud.random.provider import TYPES as RANDOM_TYPES
from tests.aws.driver import Driver, Made, provider_process
from tests.aws.world import DEFAULT_TAGS, OTHER_REGION, REGION, Cloud, World, settings

BUCKET, TOPIC, INSTANCE = "aws:s3/bucket:Bucket", "aws:sns/topic:Topic", "aws:rds/instance:Instance"
CANARY = "canary-6f1d2c9b7e"


@pytest.fixture
def fresh_driver() -> Iterator[Driver]:
    with provider_process("localcloud.aws.provider") as driver:
        yield driver


def refusal(error: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    return error.value.details()


@pytest.mark.parametrize("resource", [*TYPES.values(), *RANDOM_TYPES.values()], ids=lambda resource: resource.token)
def test_the_table_speaks_of_no_property_the_official_class_lacks(resource) -> None:
    schema = schema_of(resource.token)
    assert resource.inputs <= set(schema.inputs)
    assert resource.also_computed <= set(schema.inputs)
    assert resource.secret_outputs <= set(schema.outputs)
    assert resource.replace_on <= resource.inputs
    assert set(resource.defaults) <= resource.inputs
    assert {name for name, shape in schema.inputs.items() if shape.required} <= resource.inputs


def test_a_changed_setting_of_the_provider_is_a_change_so_that_new_default_tags_are_set(fresh_driver: Driver) -> None:
    before: Properties = {"region": REGION, "defaultTags": '{"tags": {"owner": "platform"}}', "token": Secret("t")}
    assert fresh_driver.changed_settings(before, dict(before)) == ()
    after: Properties = {**before, "defaultTags": '{"tags": {"owner": "content"}}', "accessKey": "k"}
    assert fresh_driver.changed_settings(before, after) == ("accessKey", "defaultTags")


def test_an_unknown_type_is_refused_by_name_with_the_known_ones(world: World) -> None:
    with pytest.raises(grpc.RpcError) as error:
        world.make("aws:mq/broker:Broker", "broker", {})
    assert "aws:mq/broker:Broker" in refusal(error)
    assert BUCKET in refusal(error)


def test_an_unknown_property_is_refused_by_name(world: World) -> None:
    checked = world.driver.check(BUCKET, "bucket", {"buckett": "x"})
    assert "has no property 'buckett'" in checked.failures["buckett"]


def test_an_unknown_property_of_a_nested_block_is_refused_by_path(world: World) -> None:
    token = "aws:s3/bucketVersioning:BucketVersioning"
    inputs: Properties = {"bucket": "b", "versioningConfiguration": {"status": "Enabled", "mode": "on"}}
    assert set(world.driver.check(token, "versioning", inputs).failures) == {"versioningConfiguration.mode"}


def test_an_official_property_the_stand_in_does_not_carry_out_is_refused_not_dropped(world: World) -> None:
    checked = world.driver.check(BUCKET, "bucket", {"requestPayer": "Requester"})
    assert "does not carry out 'requestPayer'" in checked.failures["requestPayer"]


def test_a_missing_property_and_one_of_the_wrong_kind_are_refused(world: World) -> None:
    assert (
        "needs 'policy'"
        in world.driver.check("aws:s3/bucketPolicy:BucketPolicy", "p", {"bucket": "b"}).failures["policy"]
    )
    assert "must be a map" in world.driver.check(BUCKET, "b", {"tags": ["a"]}).failures["tags"]


def test_a_value_that_is_not_known_yet_passes_the_check_and_stays_unknown(world: World) -> None:
    inputs: Properties = {"bucket": UNKNOWN, "policy": UNKNOWN}
    token = "aws:s3/bucketPolicy:BucketPolicy"
    assert world.driver.valid(token, "policy", inputs)["policy"] == UNKNOWN
    assert world.driver.preview(token, "policy", inputs)["bucket"] == UNKNOWN


def test_a_preview_of_an_update_keeps_what_is_computed_already(world: World) -> None:
    made = world.make(TOPIC, "topic", {})
    planned = world.driver.update(made, {"displayName": "later"}, preview=True)
    assert planned.state["arn"] == made.state["arn"]
    assert planned.state["displayName"] == "later"
    assert world.driver.refresh(made).state == made.state


def test_the_same_seed_gives_the_same_name_and_another_seed_another(world: World) -> None:
    names = [world.driver.check(BUCKET, "Uploads", {}, seed=seed).inputs["bucket"] for seed in (b"1", b"1", b"2")]
    assert names[0] == names[1]
    assert names[0] != names[2]
    assert str(names[0]).startswith("uploads-")


def test_an_automatic_name_is_kept_by_later_deployments(world: World) -> None:
    made = world.driver.valid(BUCKET, "uploads", {})
    assert made[DEFAULTS] == ["bucket", "forceDestroy"]
    again = world.driver.check(BUCKET, "uploads", {}, olds=made, seed=b"another")
    assert again.inputs["bucket"] == made["bucket"]


def test_only_a_thing_named_by_the_program_is_deleted_before_its_replacement(world: World) -> None:
    named: Properties = {"identifier": world.name("db"), **_database()}
    automatic = Made(INSTANCE, "", "db-1", world.driver.valid(INSTANCE, "db", _database()), {})
    explicit = Made(INSTANCE, "", "db-1", world.driver.valid(INSTANCE, "db", named), {})
    change: Properties = {"storageEncrypted": False}
    for made, inputs, first in ((automatic, _database(), False), (explicit, named, True)):
        urn = Made(INSTANCE, f"urn:pulumi:test::contract::{INSTANCE}::db", made.id, made.inputs, made.state)
        assert world.driver.diff(urn, {**inputs, **change}).deleteBeforeReplace is first


POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*"}]}'
)


def _database() -> Properties:
    return {
        "engine": "postgres",
        "engineVersion": "17.4",
        "instanceClass": "db.t4g.micro",
        "allocatedStorage": 20,
        "username": "app",
        "password": Secret(CANARY),
        "storageEncrypted": True,
        "skipFinalSnapshot": True,
    }


def test_default_tags_are_in_every_tag_set_and_not_among_the_resource_s_own(world: World) -> None:
    made = world.make(TOPIC, "topic", {"tags": {"owner": "platform"}})
    assert made.state["tags"] == {"owner": "platform"}
    assert made.state["tagsAll"] == {"owner": "platform", **DEFAULT_TAGS}
    seen = world.boto("sns").list_tags_for_resource(ResourceArn=made.id)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in seen} == {"owner": "platform", **DEFAULT_TAGS}


def test_a_region_of_its_own_puts_a_resource_there_and_the_provider_s_is_the_default(world: World) -> None:
    here, there = world.make(TOPIC, "here", {}), world.make(TOPIC, "there", {"region": OTHER_REGION})
    assert here.inputs["region"] == REGION
    assert OTHER_REGION in there.id
    arns = [one["TopicArn"] for one in world.boto("sns", OTHER_REGION).list_topics()["Topics"]]
    assert there.id in arns
    assert here.id not in arns
    assert list(world.driver.diff(here, {"region": OTHER_REGION}).replaces) == ["region"]


def test_an_import_may_name_the_region_behind_the_id(world: World) -> None:
    made = world.make(
        "aws:rds/parameterGroup:ParameterGroup", "group", {"family": "postgres17", "region": OTHER_REGION}
    )
    imported = world.driver.adopt(made.token, "group", f"{made.id}@{OTHER_REGION}")
    assert imported is not None
    assert imported.id == made.id
    assert imported.inputs["region"] == OTHER_REGION


@pytest.mark.parametrize("token", ["aws:budgets/budget:Budget", "aws:route53/zone:Zone", "aws:iam/role:Role"])
def test_a_global_type_has_no_region(world: World, token: str) -> None:
    assert "region" not in world.driver.check(token, "global", {}).inputs


def holding(value: Value, canary: str) -> Iterator[str]:
    """Paths at which a text shows outside a secret mark."""
    match value:
        case str() if canary in value:
            yield "here"
        case list():
            for index, item in enumerate(value):
                yield from (f"[{index}]{path}" for path in holding(item, canary))
        case dict():
            for key, item in value.items():
                yield from (f".{key}{path}" for path in holding(item, canary))


def test_a_secret_stays_one_through_create_read_and_update(world: World) -> None:
    made = world.make(INSTANCE, "db", _database())
    refreshed = world.driver.refresh(made)
    assert refreshed is not None
    changed = world.driver.update(refreshed, {**_database(), "instanceClass": "db.t4g.small"})
    for step in (made, refreshed, changed):
        assert reveal(step.state["password"]) == CANARY
        assert list(holding({**step.state, "inputs": step.inputs}, CANARY)) == []


def test_a_secret_value_is_secret_even_when_the_program_forgot_to_mark_it(world: World) -> None:
    secret = world.make("aws:secretsmanager/secret:Secret", "secret", {})
    token = "aws:secretsmanager/secretVersion:SecretVersion"
    made = world.make(token, "version", {"secretId": secret.id, "secretString": CANARY})
    assert made.state["secretString"] == Secret(CANARY)
    assert list(holding(made.state, CANARY)) == []


def test_no_refusal_and_no_log_line_holds_a_secret(cloud: Cloud, fresh_driver: Driver) -> None:
    fresh_driver.configure(settings(cloud.endpoint))
    failures = fresh_driver.check(BUCKET, "b", {"tags": Secret(CANARY)}).failures
    assert "[secret]" in failures["tags"]
    policy: Properties = {"bucket": Secret(f"{CANARY}-no-such-bucket"), "policy": POLICY}
    with pytest.raises(grpc.RpcError) as error:
        fresh_driver.create("aws:s3/bucketPolicy:BucketPolicy", "p", policy)
    assert "NoSuchBucket" in refusal(error)
    fresh_driver.process.terminate()
    output, errors = fresh_driver.process.communicate(timeout=10)
    assert CANARY not in refusal(error) + str(failures) + output + errors


def test_a_repeated_create_takes_over_what_a_killed_deployment_left(world: World) -> None:
    inputs: Properties = {"identifier": world.name("left-behind"), **_database()}
    first = world.make(INSTANCE, "db", inputs)
    second = world.make(INSTANCE, "db", inputs)
    assert second.id == first.id
    assert second.state == first.state


def test_a_stranger_s_thing_of_the_same_name_is_not_taken_over(world: World) -> None:
    name = world.name("strangers-bucket")
    world.boto("s3").create_bucket(Bucket=name)
    world.boto("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "owner", "Value": "stranger"}]})
    with pytest.raises(grpc.RpcError) as error:
        world.make(BUCKET, "bucket", {"bucket": name, "tags": {"owner": "us"}})
    assert "exists already" in refusal(error)
    assert "differs from what is declared in tags.owner" in refusal(error)


def test_a_thing_whose_creation_breaks_off_is_handed_to_the_engine_with_its_id(world: World) -> None:
    inputs: Properties = {"enableKeyRotation": True, "rotationPeriodInDays": 1}
    with pytest.raises(grpc.RpcError) as error:
        world.make("aws:kms/key:Key", "key", inputs)
    metadata = dict(error.value.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    failed = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(failed)
    assert world.boto("kms").describe_key(KeyId=failed.id)["KeyMetadata"]["Enabled"]
    assert "exists but is not finished" in failed.reasons[0]


@pytest.mark.parametrize(
    "address", ["https://s3.amazonaws.com", "http://10.0.0.1:5000", "http://localhost.example.org"]
)
def test_an_endpoint_off_this_machine_is_refused(fresh_driver: Driver, address: str) -> None:
    with pytest.raises(grpc.RpcError) as error:
        fresh_driver.configure(settings("http://127.0.0.1:1") | {"endpoints": json.dumps([{"s3": address}])})
    assert f"endpoints.s3 is {address}" in refusal(error)


def test_a_provider_without_endpoints_is_refused(fresh_driver: Driver) -> None:
    with pytest.raises(grpc.RpcError) as error:
        fresh_driver.configure({"region": REGION})
    assert "endpoints is not set" in refusal(error)


def test_a_service_without_an_endpoint_is_refused_instead_of_asking_aws(cloud: Cloud, fresh_driver: Driver) -> None:
    only_s3 = json.dumps([{"s3": cloud.endpoint}])
    fresh_driver.configure({**settings(cloud.endpoint), "endpoints": only_s3})
    with pytest.raises(grpc.RpcError) as error:
        fresh_driver.create(TOPIC, "topic", {})
    assert "endpoints has no 'sns'" in refusal(error)


def test_an_unknown_setting_is_refused_by_name(fresh_driver: Driver) -> None:
    with pytest.raises(grpc.RpcError) as error:
        fresh_driver.configure({**settings("http://127.0.0.1:1"), "assumeRoles": "[]"})
    assert "assumeRoles" in refusal(error)


def test_the_three_functions_answer_and_others_are_refused_by_name(world: World) -> None:
    caller = world.driver.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})
    assert caller["accountId"] == world.boto("sts").get_caller_identity()["Account"]
    assert world.driver.invoke("aws:index/getRegion:getRegion", {})["region"] == REGION
    assert world.driver.invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"
    with pytest.raises(grpc.RpcError) as error:
        world.driver.invoke("aws:ec2/getAmi:getAmi", {})
    assert "aws:ec2/getAmi:getAmi" in refusal(error)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_provider_cleanly(fresh_driver: Driver, number: signal.Signals) -> None:
    fresh_driver.process.send_signal(number)
    assert fresh_driver.process.wait(timeout=10) == 0


def test_every_service_of_the_stacks_is_among_the_endpoints_of_the_program() -> None:
    assert {token.split(":")[1].split("/")[0] for token in RIGHTS} - {"vpc"} <= set(providers.SERVICES)
