"""The permissions that one request needs: its own action, and those on what it uses beside (a key, a role).

Sources: Service Authorization Reference for the actions and their resources; for what is needed beside them the page
named at each function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from localcloud.aws.permissions import s3_actions
from localcloud.aws.permissions.evaluation import EVERYTHING, Call
from localcloud.aws.permissions.matching import Context
from localcloud.aws.permissions.requests import Request

BUDGET_READS: Final = ("Describe",)
BUDGET_TAGS: Final = frozenset({"TagResource", "UntagResource", "ListTagsForResource"})
FREE: Final = frozenset({"GetCallerIdentity"})
"""Allowed to every caller with a key (STS API, GetCallerIdentity: no permissions are required)."""
CREATING: Final = ("Create", "Put", "Run", "Authorize")
TAG_ACTIONS: Final = {
    "iam": "TagRole",
    "ec2": "CreateTags",
    "rds": "AddTagsToResource",
    "elasticache": "AddTagsToResource",
    "cloudtrail": "AddTags",
}
"""The permission to tag, where it is not TagResource."""
ROLE_PARAMETERS: Final = {"MonitoringRoleArn": "monitoring.rds.amazonaws.com"}
STORES: Final = frozenset({"rds", "elasticache"})


class Keys(Protocol):
    """Facts about the account that say which key a request uses."""

    def of_bucket(self, bucket: str) -> str | None:
        """ARN of the KMS key that a bucket encrypts with by itself."""
        ...

    def of_object(self, bucket: str, key: str) -> str | None:
        """ARN of the KMS key that an object is encrypted with."""
        ...

    def of_secret(self, secret: str) -> str | None:
        """ARN of the KMS key that a secret is encrypted with; None for AWS' own."""
        ...

    def named(self, key: str, region: str) -> str:
        """ARN of a KMS key given by id, alias or ARN."""
        ...


def needs(request: Request, account: str, keys: Keys, context: Context) -> list[Call]:
    """Every permission, the request's own first."""
    if request.operation in FREE:
        return []
    given = {**context, **_own_context(request)}
    own = Call(f"{request.service}:{_action(request)}", _resource(request, account, keys), given)
    return [own, *_tagging(request, own), *_beside(request, keys, given)]


def _tagging(request: Request, own: Call) -> Iterator[Call]:
    """Service Authorization Reference: what is created with tags needs the permission to tag besides."""
    if request.tagged and request.operation.startswith(CREATING):
        yield Call(f"{request.service}:{TAG_ACTIONS.get(request.service, 'TagResource')}", own.resource, own.context)


def _action(request: Request) -> str:
    match request.service:
        case "s3":
            return s3_actions.action_of(request.operation, version="versionId" in request.parameters)
        case "budgets" if request.operation not in BUDGET_TAGS:
            return "ViewBudget" if request.operation.startswith(BUDGET_READS) else "ModifyBudget"
        case _:
            return request.operation


def _resource(request: Request, account: str, keys: Keys) -> str:
    """The ARN where the request names one; * else, which only a statement for everything covers."""
    maker = _RESOURCES.get(request.service)
    return maker(request, account, keys) if maker is not None else EVERYTHING


def _s3(request: Request, _: str, __: Keys) -> str:
    bucket, key = request.parameters.get("Bucket"), request.parameters.get("Key")
    if bucket is None:
        return EVERYTHING
    if request.operation == "DeleteObjects":
        return f"arn:aws:s3:::{bucket}/*"
    return f"arn:aws:s3:::{bucket}" if key is None else f"arn:aws:s3:::{bucket}/{key}"


def _iam(request: Request, account: str, _: Keys) -> str:
    role = request.parameters.get("RoleName")
    return EVERYTHING if role is None else f"arn:aws:iam::{account}:role/{role}"


def _kms(request: Request, _: str, keys: Keys) -> str:
    given = request.parameters.get("KeyId") or request.parameters.get("TargetKeyId")
    return EVERYTHING if given is None else keys.named(given, request.region)


def _route53(request: Request, _: str, __: Keys) -> str:
    given = request.parameters.get("Id") or request.parameters.get("HostedZoneId")
    kind = "change" if request.operation == "GetChange" else "hostedzone"
    return EVERYTHING if given is None else f"arn:aws:route53:::{kind}/{given}"


def _given_arn(parameter: str) -> Callable[[Request, str, Keys], str]:
    def resource(request: Request, _: str, __: Keys) -> str:
        given = request.parameters.get(parameter, EVERYTHING)
        return given if given.startswith("arn:") else EVERYTHING

    return resource


_RESOURCES: Final[Mapping[str, Callable[[Request, str, Keys], str]]] = {
    "s3": _s3,
    "iam": _iam,
    "kms": _kms,
    "route53": _route53,
    "sns": _given_arn("TopicArn"),
    "secretsmanager": _given_arn("SecretId"),
}


def _own_context(request: Request) -> dict[str, tuple[str, ...]]:
    """Condition keys of the service (Service Authorization Reference, CloudWatch and Route 53)."""
    if request.operation == "PutMetricData":
        return {"cloudwatch:namespace": (request.parameters.get("Namespace", ""),)}
    if request.operation == "ChangeResourceRecordSets":
        return {
            "route53:changeresourcerecordsetsrecordtypes": _elements("Type", request.body),
            "route53:changeresourcerecordsetsactions": _elements("Action", request.body),
            "route53:changeresourcerecordsetsnormalizedrecordnames": tuple(
                name.lower().removesuffix(".") for name in _elements("Name", request.body)
            ),
        }
    return {}


def _elements(name: str, body: str) -> tuple[str, ...]:
    return tuple(re.findall(rf"<{name}>([^<]+)</{name}>", body))


def _beside(request: Request, keys: Keys, context: Context) -> Iterator[Call]:
    if request.service == "s3":
        yield from _s3_beside(request, keys, context)
    elif request.service == "secretsmanager":
        yield from _secret_beside(request, keys, context)
    elif request.service in STORES:
        yield from _store_beside(request, keys, context)


def _s3_beside(request: Request, keys: Keys, context: Context) -> Iterator[Call]:
    """Amazon S3 User Guide, "Protecting data with server-side encryption with AWS KMS keys": kms:GenerateDataKey to
    write, kms:Decrypt to read and for parts. Going round a lock needs a permission of its own ("Bypassing governance
    mode").
    """
    bucket, key = request.parameters.get("Bucket", ""), request.parameters.get("Key", "")
    if request.operation in s3_actions.WRITES:
        used = request.headers.get("x-amz-server-side-encryption-aws-kms-key-id") or keys.of_bucket(bucket)
        if used is not None:
            yield Call("kms:GenerateDataKey", keys.named(used, request.region), context)
            if request.operation in s3_actions.MULTIPART:
                yield Call("kms:Decrypt", keys.named(used, request.region), context)
    if request.operation in s3_actions.READS:
        used = keys.of_object(bucket, key)
        if used is not None:
            yield Call("kms:Decrypt", keys.named(used, request.region), context)
    if request.headers.get("x-amz-bypass-governance-retention", "").lower() == "true":
        yield Call("s3:BypassGovernanceRetention", f"arn:aws:s3:::{bucket}/{key or '*'}", context)


def _secret_beside(request: Request, keys: Keys, context: Context) -> Iterator[Call]:
    """AWS Secrets Manager User Guide, "Permissions for the KMS key": kms:GenerateDataKey and kms:Decrypt to write,
    kms:Decrypt to read.
    """
    used = keys.of_secret(request.parameters.get("SecretId", ""))
    if used is None:
        return
    if request.operation == "PutSecretValue":
        yield Call("kms:GenerateDataKey", keys.named(used, request.region), context)
    if request.operation in ("PutSecretValue", "GetSecretValue"):
        yield Call("kms:Decrypt", keys.named(used, request.region), context)


def _store_beside(request: Request, keys: Keys, context: Context) -> Iterator[Call]:
    """Amazon RDS User Guide, "Encrypting Amazon RDS resources" and ElastiCache User Guide, "At-rest encryption":
    kms:CreateGrant and kms:DescribeKey; IAM User Guide, "Granting a user permissions to pass a role": iam:PassRole.
    """
    used = request.parameters.get("KmsKeyId")
    if used:
        for action in ("kms:CreateGrant", "kms:DescribeKey"):
            yield Call(action, keys.named(used, request.region), context)
    for parameter, service in ROLE_PARAMETERS.items():
        role = request.parameters.get(parameter)
        if role:
            yield Call("iam:PassRole", role, {**context, "iam:passedtoservice": (service,)})
