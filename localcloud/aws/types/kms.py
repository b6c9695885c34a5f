"""KMS: keys, their policies and their aliases."""

from __future__ import annotations

import json

from localcloud.aws import tags
from localcloud.aws.scope import Aws
from localcloud.provider.block import Block
from localcloud.provider.resource import AutoName, Created, ResourceType
from localcloud.provider.values import Properties

MISSING = frozenset({"NotFoundException"})
TAGS = tags.TagApi(
    "kms", "tag_resource", "untag_resource", "list_resource_tags", "KeyId", key="TagKey", value="TagValue"
)
DEFAULT_POLICY_NAME = "default"
"""The only policy name KMS knows."""

DELETED_STATES = frozenset({"PendingDeletion", "PendingReplicaDeletion"})
LONGEST_WINDOW = 30
"""Days a key waits for its deletion unless `deletionWindowInDays` says less."""

KEY_FIELDS = {
    "description": "Description",
    "keyUsage": "KeyUsage",
    "customerMasterKeySpec": "KeySpec",
    "multiRegion": "MultiRegion",
}


def create_key(aws: Aws, inputs: Block) -> Created:
    """A key has no name of ours, so nothing can be found again: every create makes a new one."""
    parameters = inputs.renamed({**KEY_FIELDS, "policy": "Policy"})
    answer = aws.call("kms", "create_key", Tags=TAGS.listed(tags.wanted(inputs)), **parameters)
    return Created(answer.block("KeyMetadata").text("KeyId"))


def settle_key(aws: Aws, key_id: str, inputs: Block) -> None:
    """Rotation and the disabled state are calls of their own."""
    if inputs.flag("enableKeyRotation"):
        _rotate(aws, key_id, inputs)
    if not inputs.flag("isEnabled", default=True):
        aws.call("kms", "disable_key", KeyId=key_id)


def _rotate(aws: Aws, key_id: str, inputs: Block) -> None:
    if inputs.flag("enableKeyRotation"):
        aws.call(
            "kms",
            "enable_key_rotation",
            KeyId=key_id,
            **inputs.renamed({"rotationPeriodInDays": "RotationPeriodInDays"}),
        )
    else:
        aws.call("kms", "disable_key_rotation", KeyId=key_id)


def _kept(aws: Aws, key_id: str) -> Block | None:
    answer = aws.find(MISSING, "kms", "describe_key", KeyId=key_id)
    if answer is None or answer.block("KeyMetadata").text("KeyState") in DELETED_STATES:
        return None
    return answer.block("KeyMetadata")


def read_key(aws: Aws, key_id: str, known: Block) -> Properties | None:
    """The key unless it waits for its deletion: to the deployment that one is gone."""
    key = _kept(aws, key_id)
    if key is None:
        return None
    policy = aws.call("kms", "get_key_policy", KeyId=key_id, PolicyName=DEFAULT_POLICY_NAME).text("Policy")
    rotation = aws.call("kms", "get_key_rotation_status", KeyId=key_id).flag("KeyRotationEnabled")
    return {
        **key.named(KEY_FIELDS),
        "arn": key.text("Arn"),
        "keyId": key.text("KeyId"),
        "isEnabled": key.flag("Enabled"),
        "enableKeyRotation": rotation,
        "policy": policy,
        "region": aws.region,
        **tags.outputs(TAGS.found(aws, key_id), known),
    }


def update_key(aws: Aws, key_id: str, before: Block, after: Block) -> None:
    """Each setting of a key has its own call."""
    if before.text("description") != after.text("description"):
        aws.call("kms", "update_key_description", KeyId=key_id, Description=after.text("description"))
    if after.has("policy") and before.text("policy") != after.text("policy"):
        aws.call("kms", "put_key_policy", KeyId=key_id, PolicyName=DEFAULT_POLICY_NAME, Policy=after.text("policy"))
    if any(before.text(name) != after.text(name) for name in ("enableKeyRotation", "rotationPeriodInDays")):
        _rotate(aws, key_id, after)
    enabled = after.flag("isEnabled", default=True)
    if before.flag("isEnabled", default=True) != enabled:
        aws.call("kms", "enable_key" if enabled else "disable_key", KeyId=key_id)
    TAGS.change(aws, key_id, before, after)


def delete_key(aws: Aws, key_id: str, known: Block) -> None:
    """KMS never deletes at once; it schedules."""
    if read_key(aws, key_id, known) is None:
        return
    days = known.number("deletionWindowInDays", LONGEST_WINDOW)
    aws.call("kms", "schedule_key_deletion", KeyId=key_id, PendingWindowInDays=days)


def create_alias(aws: Aws, inputs: Block) -> Created:
    """The alias's name is its id."""
    name = inputs.text("name")
    return aws.make(
        name, {"AlreadyExistsException"}, "kms", "create_alias", AliasName=name, TargetKeyId=inputs.text("targetKeyId")
    )


def read_alias(aws: Aws, name: str, known: Block) -> Properties | None:
    """The alias and the key it points at. KMS can only list aliases."""
    found = [alias for alias in aws.call("kms", "list_aliases").blocks("Aliases") if alias.text("AliasName") == name]
    if not found:
        return None
    key_arn = aws.call("kms", "describe_key", KeyId=found[0].text("TargetKeyId")).block("KeyMetadata").text("Arn")
    by_arn = known.text("targetKeyId").startswith("arn:")
    return {
        "name": name,
        "arn": found[0].text("AliasArn"),
        "targetKeyId": key_arn if by_arn else found[0].text("TargetKeyId"),
        "targetKeyArn": key_arn,
        "region": aws.region,
    }


def update_alias(aws: Aws, name: str, _: Block, after: Block) -> None:
    """An alias can be pointed at another key."""
    aws.call("kms", "update_alias", AliasName=name, TargetKeyId=after.text("targetKeyId"))


def delete_alias(aws: Aws, name: str, _: Block) -> None:
    """The key stays."""
    aws.remove(MISSING, "kms", "delete_alias", AliasName=name)


def create_key_policy(aws: Aws, inputs: Block) -> Created:
    """A key has exactly one policy, so its id is the key's."""
    key_id = inputs.text("keyId")
    put_key_policy(aws, key_id, Block({}), inputs)
    return Created(key_id)


def put_key_policy(aws: Aws, key_id: str, _: Block, inputs: Block) -> None:
    """Write the whole policy."""
    aws.call("kms", "put_key_policy", KeyId=key_id, PolicyName=DEFAULT_POLICY_NAME, Policy=inputs.text("policy"))


def read_key_policy(aws: Aws, key_id: str, _: Block) -> Properties | None:
    """The policy; gone only with its key."""
    if _kept(aws, key_id) is None:
        return None
    policy = aws.call("kms", "get_key_policy", KeyId=key_id, PolicyName=DEFAULT_POLICY_NAME).text("Policy")
    return {"keyId": key_id, "policy": policy, "region": aws.region}


def delete_key_policy(aws: Aws, key_id: str, _: Block) -> None:
    """A key cannot be without a policy: it gets back the one that KMS gives a key, the account's own rule."""
    if (key := _kept(aws, key_id)) is None:
        return
    owner: Properties = {"AWS": f"arn:aws:iam::{key.text('AWSAccountId')}:root"}
    statement: Properties = {"Effect": "Allow", "Principal": owner, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.call("kms", "put_key_policy", KeyId=key_id, PolicyName=DEFAULT_POLICY_NAME, Policy=policy)


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:kms/keyPolicy:KeyPolicy",
        inputs=frozenset({"keyId", "policy", "region"}),
        replace_on=frozenset({"keyId", "region"}),
        create=create_key_policy,
        read=read_key_policy,
        update=put_key_policy,
        delete=delete_key_policy,
    ),
    ResourceType(
        token="aws:kms/key:Key",
        inputs=frozenset(
            {
                *KEY_FIELDS,
                "policy",
                "enableKeyRotation",
                "rotationPeriodInDays",
                "isEnabled",
                "deletionWindowInDays",
                "tags",
                "region",
            }
        ),
        replace_on=frozenset({"keyUsage", "customerMasterKeySpec", "multiRegion", "region"}),
        also_computed=frozenset({"policy", "description", "rotationPeriodInDays"}),
        create=create_key,
        settle=settle_key,
        read=read_key,
        update=update_key,
        delete=delete_key,
    ),
    ResourceType(
        token="aws:kms/alias:Alias",
        inputs=frozenset({"name", "targetKeyId", "region"}),
        replace_on=frozenset({"name", "region"}),
        auto_name=AutoName(longest=256, prefix="alias/", source="KMS API, CreateAlias.AliasName"),
        create=create_alias,
        read=read_alias,
        update=update_alias,
        delete=delete_alias,
    ),
)
