"""Secrets Manager: secrets and their versions (requirements X01, X02)."""

from __future__ import annotations

from localcloud.aws import tags
from localcloud.aws.scope import Aws, AwsRefusal
from localcloud.provider.block import Block
from localcloud.provider.resource import AlreadyThere, AutoName, Created, ResourceType
from localcloud.provider.values import Properties

MISSING = frozenset({"ResourceNotFoundException"})
TAKEN = frozenset({"ResourceExistsException"})
TAGS = tags.TagApi("secretsmanager", "tag_resource", "untag_resource", "describe_secret", "SecretId")
LONGEST_WINDOW = 30
"""Days a deleted secret can be brought back, unless `recoveryWindowInDays` says less; 0 deletes at once."""

CURRENT = "AWSCURRENT"
"""The stage of the version that readers get."""


def create_secret(aws: Aws, inputs: Block) -> Created:
    """A secret without a value; versions bring the values. Its ARN ends in random characters, so it is the id."""
    name = inputs.text("name")
    parameters = inputs.renamed({"description": "Description", "kmsKeyId": "KmsKeyId"})
    wanted = TAGS.listed(tags.wanted(inputs))
    try:
        answer = aws.call("secretsmanager", "create_secret", Name=name, Tags=wanted, **parameters)
    except AwsRefusal as refusal:
        if refusal.code in TAKEN:
            there = aws.call("secretsmanager", "describe_secret", SecretId=name)
            raise AlreadyThere(there.text("ARN"), str(refusal)) from refusal
        raise
    return Created(answer.text("ARN"))


def settle_secret(aws: Aws, arn: str, inputs: Block) -> None:
    """The resource policy has a call of its own."""
    if inputs.has("policy"):
        aws.call("secretsmanager", "put_resource_policy", SecretId=arn, ResourcePolicy=inputs.text("policy"))


def read_secret(aws: Aws, arn: str, known: Block) -> Properties | None:
    """The secret's description, never its value. One that waits for its deletion is gone."""
    answer = aws.find(MISSING, "secretsmanager", "describe_secret", SecretId=arn)
    if answer is None or answer.has("DeletedDate"):
        return None
    policy = aws.call("secretsmanager", "get_resource_policy", SecretId=arn).text("ResourcePolicy")
    return {
        "name": answer.text("Name"),
        "description": answer.values.get("Description"),
        "kmsKeyId": answer.values.get("KmsKeyId"),
        "policy": policy or None,
        "arn": answer.text("ARN"),
        "region": aws.region,
        **tags.outputs(TAGS.mapped(answer.blocks("Tags")), known),
    }


def update_secret(aws: Aws, arn: str, before: Block, after: Block) -> None:
    """Description, key, policy and tags change in place."""
    changed = {
        api: after.text(name)
        for name, api in (("description", "Description"), ("kmsKeyId", "KmsKeyId"))
        if before.text(name) != after.text(name)
    }
    if changed:
        aws.call("secretsmanager", "update_secret", SecretId=arn, **changed)
    if before.text("policy") != after.text("policy"):
        if after.has("policy"):
            settle_secret(aws, arn, after)
        else:
            aws.call("secretsmanager", "delete_resource_policy", SecretId=arn)
    TAGS.change(aws, arn, before, after)


def delete_secret(aws: Aws, arn: str, known: Block) -> None:
    """With its window for recovery: until that is over the name stays taken, as on AWS."""
    days = known.number("recoveryWindowInDays", LONGEST_WINDOW)
    window: Properties = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    aws.remove(MISSING, "secretsmanager", "delete_secret", SecretId=arn, **window)


def create_version(aws: Aws, inputs: Block) -> Created:
    """A new current value. The token makes a repeated create the same version instead of a second one."""
    secret = inputs.text("secretId")
    stages: Properties = {"VersionStages": [*inputs.texts("versionStages")]} if inputs.has("versionStages") else {}
    answer = aws.call(
        "secretsmanager",
        "put_secret_value",
        SecretId=secret,
        SecretString=inputs.text("secretString"),
        ClientRequestToken=aws.token(secret, inputs.text("secretString")),
        **stages,
    )
    return Created(f"{answer.text('ARN')}|{answer.text('VersionId')}")


def read_version(aws: Aws, version_id: str, _: Block) -> Properties | None:
    """The value of exactly this version; a rotated one still has it until AWS drops the version."""
    secret, version = version_id.rsplit("|", maxsplit=1)
    described = aws.find(MISSING, "secretsmanager", "describe_secret", SecretId=secret)
    if described is None or described.has("DeletedDate"):
        return None
    answer = aws.find(MISSING, "secretsmanager", "get_secret_value", SecretId=secret, VersionId=version)
    if answer is None:
        return None
    return {
        "secretId": secret,
        "secretArn": answer.text("ARN"),
        "arn": answer.text("ARN"),
        "secretString": answer.text("SecretString"),
        "versionId": version,
        "versionStages": [*answer.texts("VersionStages")],
        "hasSecretStringWo": False,
        "region": aws.region,
    }


def update_version(aws: Aws, version_id: str, before: Block, after: Block) -> None:
    """Only the stages of a version can move."""
    secret, version = version_id.rsplit("|", maxsplit=1)
    for stage in sorted(set(after.texts("versionStages")) - set(before.texts("versionStages"))):
        aws.call(
            "secretsmanager",
            "update_secret_version_stage",
            SecretId=secret,
            VersionStage=stage,
            MoveToVersionId=version,
        )


def delete_version(aws: Aws, version_id: str, _: Block) -> None:
    """AWS has no deletion of a version: its stages are taken away, all but the current one, and it fades."""
    found = read_version(aws, version_id, Block({}))
    if found is None:
        return
    secret, version = version_id.rsplit("|", maxsplit=1)
    for stage in Block(found).texts("versionStages"):
        if stage != CURRENT:
            aws.call(
                "secretsmanager",
                "update_secret_version_stage",
                SecretId=secret,
                VersionStage=stage,
                RemoveFromVersionId=version,
            )


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:secretsmanager/secret:Secret",
        inputs=frozenset({"name", "description", "kmsKeyId", "policy", "recoveryWindowInDays", "tags", "region"}),
        replace_on=frozenset({"name", "region"}),
        auto_name=AutoName(longest=255, source="pulumi-aws provider/autonaming.go"),
        defaults={"recoveryWindowInDays": LONGEST_WINDOW},
        also_computed=frozenset({"policy"}),
        create=create_secret,
        settle=settle_secret,
        read=read_secret,
        update=update_secret,
        delete=delete_secret,
    ),
    ResourceType(
        token="aws:secretsmanager/secretVersion:SecretVersion",
        inputs=frozenset({"secretId", "secretString", "versionStages", "region"}),
        replace_on=frozenset({"secretId", "secretString", "region"}),
        also_computed=frozenset({"versionStages"}),
        secret_outputs=frozenset({"secretString"}),
        create=create_version,
        read=read_version,
        update=update_version,
        delete=delete_version,
    ),
)
