"""Permissions on the embedded AWS: each type's row of rights is exactly what a whole life of such a resource needs, and
one action less is a refusal in AWS' words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

import grpc
import httpx
import pytest
from botocore.exceptions import ClientError

from localcloud.aws.permissions.deploying import (
    DEPLOYING_KEY,
    PLANNING_KEY,
    deploying_actions,
    planning_actions,
    policy,
)
from localcloud.aws.permissions.rights import RIGHTS
from tests.aws.cases import Case
from tests.aws.driver import Driver, Made, provider_process
from tests.aws.test_every_type import CASES
from tests.aws.world import Cloud, World, settings
from tests.unit.program import ROOT, STACKS
from tests.unit.program import declared as declared_by

LONGEST_ROLE_POLICY = 10_240
rights = pytest.mark.parametrize("token", RIGHTS)


@pytest.fixture(scope="module")
def narrow_driver() -> Iterator[Driver]:
    """A provider that is configured anew for every identity."""
    with provider_process("localcloud.aws.provider") as driver:
        yield driver


def user_with(world: World, actions: Collection[str]) -> tuple[str, str]:
    """A user that may do this alone, and an access key of it."""
    name = world.name("user")
    iam = world.boto("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy(actions, ""))
    return name, iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]


def as_user(world: World, driver: Driver, key: str) -> World:
    driver.configure({**settings(world.cloud.endpoint), "accessKey": key})
    return World(world.cloud, driver)


def live(world: World, owner: World, case: Case) -> Made:
    """Create, read back, change and delete; what it stands on is the owner's."""
    inputs = case.declare(owner)
    made = world.make(case.token, "thing", inputs)
    read = world.driver.refresh(made)
    assert read is not None
    if case.change:
        made = world.driver.update(read, {**inputs, **case.change})
    world.driver.delete(made)
    return made


@rights
def test_a_resource_lives_by_the_rights_of_its_type_and_needs_every_one(
    world: World, narrow_driver: Driver, token: str
) -> None:
    row = RIGHTS[token]
    name, key = user_with(world, row.exercised)
    live(as_user(world, narrow_driver, key), world, CASES[token])
    asked = httpx.get(f"{world.cloud.endpoint}/localcloud/permissions").json()
    assert set(asked[f"arn:aws:iam::123456789012:user/{name}"]) == row.exercised


@rights
def test_a_resource_without_one_of_its_rights_is_refused_as_aws_refuses(
    world: World, cloud: Cloud, aws_driver: Driver, narrow_driver: Driver, token: str
) -> None:
    name, key = user_with(world, RIGHTS[token].exercised)
    for action in sorted(RIGHTS[token].exercised):
        rest = policy(RIGHTS[token].exercised - {action}, "")
        world.boto("iam").put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=rest)
        with pytest.raises(grpc.RpcError) as refused:
            live(as_user(world, narrow_driver, key), World(cloud, aws_driver), CASES[token])
        if action == "s3:ListBucket":  # asked by HeadBucket, whose answer has no body
            assert refused.value.details() == "s3 head_bucket: 403: Forbidden"
            continue
        words = f"User: arn:aws:iam::123456789012:user/{name} is not authorized to perform: {action} on resource: "
        assert words in refused.value.details()
        assert f"because no identity-based policy allows the {action} action" in refused.value.details()


def test_every_type_that_a_stack_declares_has_its_rights_and_no_other() -> None:
    from ops.stack_files import read

    kinds = {one.type for stack in STACKS for one in declared_by(stack, read(ROOT, stack)).resources}
    assert set(RIGHTS) == {kind for kind in kinds if kind.startswith("aws:")}


def test_what_the_official_plugin_needs_besides_has_its_source() -> None:
    assert [token for token, row in RIGHTS.items() if bool(row.beside) != bool(row.source)] == []


@pytest.mark.parametrize("actions", [deploying_actions(), planning_actions()], ids=["deploying", "planning"])
def test_the_policy_fits_into_a_role(actions: frozenset[str]) -> None:
    assert len(re.sub(r"\s", "", policy(actions, "a-stack-of-a-long-name-"))) <= LONGEST_ROLE_POLICY


def test_the_planning_identity_reads_everything_and_changes_nothing() -> None:
    changing = {one for one in planning_actions() if not one.partition(":")[2].startswith(("Get", "List", "Describe"))}
    assert changing == {"budgets:ViewBudget", "kms:Decrypt"}
    assert {action for row in RIGHTS.values() for action in row.of_plan} <= planning_actions()


def test_the_planning_identity_may_look_and_not_touch(world: World, narrow_driver: Driver) -> None:
    made = world.make("aws:sns/topic:Topic", "topic", {})
    plan = as_user(world, narrow_driver, PLANNING_KEY)
    assert plan.driver.refresh(made) is not None
    with pytest.raises(grpc.RpcError, match="not authorized to perform: sns:DeleteTopic"):
        plan.driver.delete(made)


def test_the_deploying_identity_writes_no_policy_into_roles_of_others(world: World, narrow_driver: Driver) -> None:
    document = json.loads(policy(deploying_actions(), "prod-"))
    narrowed = {one["Sid"]: one["Resource"] for one in document["Statement"]}
    assert narrowed["Roles"] == narrowed["RolesPassed"] == "arn:aws:iam::*:role/prod-*"
    assert narrowed["Buckets"] == "arn:aws:s3:::prod-*"
    passed = next(one for one in document["Statement"] if one["Sid"] == "RolesPassed")
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "monitoring.rds.amazonaws.com"}}
    name, key = user_with(world, {"iam:GetRole"})
    world.boto("iam").put_user_policy(
        UserName=name, PolicyName="rights", PolicyDocument=policy(deploying_actions(), f"{world.name('role')}-")
    )
    narrow = as_user(world, narrow_driver, key)
    role = {
        "assumeRolePolicy": json.dumps(
            {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}}
        )
    }
    with pytest.raises(grpc.RpcError, match="not authorized to perform: iam:CreateRole"):
        narrow.make("aws:iam/role:Role", "administrator", role)


def test_the_deploying_identity_of_the_embedded_cloud_does_not_do_what_no_stack_declares(world: World) -> None:
    import botocore.session

    client = botocore.session.Session().create_client(
        "iam",
        region_name="us-east-1",
        endpoint_url=world.cloud.endpoint,
        aws_access_key_id=DEPLOYING_KEY,
        aws_secret_access_key=DEPLOYING_KEY,
    )
    with pytest.raises(ClientError, match="is not authorized to perform: iam:CreateUser on resource") as refused:
        client.create_user(UserName="somebody")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_request_without_a_signature_is_refused(world: World) -> None:
    answer = httpx.post(world.cloud.endpoint, data={"Action": "ListUsers", "Version": "2010-05-08"})
    assert answer.status_code == 403
    assert "MissingAuthenticationToken" in answer.text


def test_the_page_lists_every_identity_and_every_action_of_each() -> None:
    from ops.permissions_page import permissions_page

    page = permissions_page()
    assert [one for one in deploying_actions() if f'"{one}"' not in page] == []
    for account in ("backup", "restore-check", "certificate"):
        assert f"| {account} | " in page
    assert (
        "| backup | s3:PutObject, s3:AbortMultipartUpload | arn:aws:s3:::BUCKET/db/*, arn:aws:s3:::BUCKET/state/* "
        in page
    )
    assert "arn:aws:route53:::hostedzone/ZONE" in page
