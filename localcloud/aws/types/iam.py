"""IAM: roles and the policies written into them. IAM is global: no region anywhere."""

from __future__ import annotations

import json
from urllib.parse import unquote

from localcloud.aws import tags
from localcloud.aws.scope import Aws
from localcloud.provider.block import Block
from localcloud.provider.resource import AlreadyThere, AutoName, Created, ResourceType
from localcloud.provider.values import Properties, Value

MISSING = frozenset({"NoSuchEntity"})
TAKEN = frozenset({"EntityAlreadyExists"})
TAGS = tags.TagApi("iam", "tag_role", "untag_role", "list_role_tags", "RoleName")
FIXED = {"description": "Description", "maxSessionDuration": "MaxSessionDuration", "path": "Path"}


def _document(value: Value) -> str:
    """A policy as the API writes it: percent-encoded text, or already an object; ours is plain text."""
    return unquote(value) if isinstance(value, str) else json.dumps(value)


def create_role(aws: Aws, inputs: Block) -> Created:
    """The name is the id."""
    name = inputs.text("name")
    return aws.make(
        name,
        TAKEN,
        "iam",
        "create_role",
        RoleName=name,
        AssumeRolePolicyDocument=inputs.text("assumeRolePolicy"),
        Tags=TAGS.listed(tags.wanted(inputs)),
        **inputs.renamed({**FIXED, "permissionsBoundary": "PermissionsBoundary"}),
    )


def read_role(aws: Aws, name: str, known: Block) -> Properties | None:
    """The role."""
    answer = aws.find(MISSING, "iam", "get_role", RoleName=name)
    if answer is None:
        return None
    role = answer.block("Role")
    return {
        **role.named(FIXED),
        "name": role.text("RoleName"),
        "assumeRolePolicy": _document(role.values.get("AssumeRolePolicyDocument")),
        "permissionsBoundary": role.block("PermissionsBoundary").text("PermissionsBoundaryArn") or None,
        "arn": role.text("Arn"),
        "uniqueId": role.text("RoleId"),
        "createDate": role.text("CreateDate"),
        **tags.outputs(TAGS.found(aws, name), known),
    }


def update_role(aws: Aws, name: str, before: Block, after: Block) -> None:
    """The trust policy, the description and session length, the tags."""
    if before.text("assumeRolePolicy") != after.text("assumeRolePolicy"):
        aws.call("iam", "update_assume_role_policy", RoleName=name, PolicyDocument=after.text("assumeRolePolicy"))
    if any(before.text(field) != after.text(field) for field in FIXED):
        changed: Properties = {"Description": after.text("description")}
        aws.call(
            "iam",
            "update_role",
            RoleName=name,
            **changed,
            **after.renamed({"maxSessionDuration": "MaxSessionDuration"}),
        )
    TAGS.change(aws, name, before, after)


def delete_role(aws: Aws, name: str, _: Block) -> None:
    """Refused by IAM while policies are in the role."""
    aws.remove(MISSING, "iam", "delete_role", RoleName=name)


def create_role_policy(aws: Aws, inputs: Block) -> Created:
    """IAM overwrites in silence; a policy of that name that is there already is asked about first."""
    role, name = inputs.text("role"), inputs.text("name")
    policy_id = f"{role}:{name}"
    if aws.find(MISSING, "iam", "get_role_policy", RoleName=role, PolicyName=name):
        raise AlreadyThere(policy_id, f"iam role policy {policy_id} exists already")
    put_role_policy(aws, policy_id, Block({}), inputs)
    return Created(policy_id)


def put_role_policy(aws: Aws, policy_id: str, _: Block, inputs: Block) -> None:
    """Write the whole policy."""
    role, name = policy_id.split(":", maxsplit=1)
    aws.call("iam", "put_role_policy", RoleName=role, PolicyName=name, PolicyDocument=inputs.text("policy"))


def read_role_policy(aws: Aws, policy_id: str, _: Block) -> Properties | None:
    """The policy as text."""
    role, name = policy_id.split(":", maxsplit=1)
    answer = aws.find(MISSING, "iam", "get_role_policy", RoleName=role, PolicyName=name)
    if answer is None:
        return None
    return {"role": role, "name": name, "policy": _document(answer.values.get("PolicyDocument"))}


def delete_role_policy(aws: Aws, policy_id: str, _: Block) -> None:
    """Take it out of the role."""
    role, name = policy_id.split(":", maxsplit=1)
    aws.remove(MISSING, "iam", "delete_role_policy", RoleName=role, PolicyName=name)


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:iam/role:Role",
        inputs=frozenset({"name", "assumeRolePolicy", *FIXED, "permissionsBoundary", "tags"}),
        replace_on=frozenset({"name", "path"}),
        auto_name=AutoName(longest=64, source="IAM API, CreateRole.RoleName"),
        defaults={"maxSessionDuration": 3600, "path": "/"},
        create=create_role,
        read=read_role,
        update=update_role,
        delete=delete_role,
    ),
    ResourceType(
        token="aws:iam/rolePolicy:RolePolicy",
        inputs=frozenset({"name", "role", "policy"}),
        replace_on=frozenset({"name", "role"}),
        auto_name=AutoName(longest=128, source="IAM API, PutRolePolicy.PolicyName"),
        create=create_role_policy,
        read=read_role_policy,
        update=put_role_policy,
        delete=delete_role_policy,
    ),
)
