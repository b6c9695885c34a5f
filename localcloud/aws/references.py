"""References of a request to AWS that must exist and fit: keys, roles, groups, buckets, records. moto takes any name.

Each row is one check of a request against the account, with AWS' error code and the page that states it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from localcloud.aws.permissions.documents import Statement
from localcloud.aws.permissions.evaluation import Call, applies
from localcloud.aws.permissions.requests import Request

MONITORING: Final = "monitoring.rds.amazonaws.com"
TRAIL: Final = "cloudtrail.amazonaws.com"
SERVICE_NAMES: Final = (".elb.amazonaws.com", ".cloudfront.net", ".elasticbeanstalk.com", ".amazonaws.com")
"""Ends of alias targets that are AWS' own, in zones of AWS."""


class Account(Protocol):
    """Contents of an account that requests refer to."""

    def has_key(self, key: str, region: str) -> bool:
        """True if a KMS key, given by id, alias or ARN, is there and usable."""
        ...

    def trust_of(self, role: str) -> Sequence[Statement] | None:
        """The trust policy of a role by ARN; None where there is no such role."""
        ...

    def has_group(self, group: str, region: str) -> bool:
        """True if a security group is there."""
        ...

    def users_of_group(self, group: str, region: str) -> Sequence[str]:
        """Users of a security group: resources that it is attached to, and groups that name it."""
        ...

    def users_of_cache_parameters(self, group: str, region: str) -> Sequence[str]:
        """Replication groups that use a cache parameter group."""
        ...

    def policy_of_bucket(self, bucket: str) -> Sequence[Statement] | None:
        """The policy of a bucket, without statements when it has none; None where there is no such bucket."""
        ...

    def has_record(self, zone: str, name: str, kind: str) -> bool | None:
        """True if a zone has a record of that name and type; None for a zone that is not this account's."""
        ...

    @property
    def number(self) -> str:
        """The account's twelve digits."""
        ...


@dataclass(frozen=True)
class Reference:
    """One check.

    name: stands for it in tests and on the generated page.
    calls: service and operation, joined by a colon.
    allowed: what AWS accepts, in words.
    code: AWS' error code.
    source: page or API field that states it.
    wrong: the message for a request that breaks it, else an empty text.
    """

    name: str
    calls: tuple[str, ...]
    allowed: str
    code: str
    source: str
    wrong: Callable[[Request, Account], str]


def broken(request: Request, account: Account) -> tuple[str, str] | None:
    """Code and message of the first reference that a request breaks."""
    call = f"{request.service}:{request.operation}"
    for one in REFERENCES:
        message = one.wrong(request, account) if call in one.calls else ""
        if message:
            return one.code, f"{message} Allowed: {one.allowed} ({one.source})"
    return None


def _listed(request: Request, name: str) -> list[str]:
    return [value for key, value in request.parameters.items() if key.startswith(f"{name}.")]


def _key_is_gone(request: Request, account: Account) -> str:
    key = request.parameters.get("KmsKeyId", "")
    if not key or account.has_key(key, request.region):
        return ""
    return f"The KMS key {key} does not exist, is not enabled or you do not have permissions to access it."


def _role_is_wrong(request: Request, account: Account) -> str:
    role = request.parameters.get("MonitoringRoleArn", "")
    if not role:
        return ""
    trust = account.trust_of(role)
    if trust is not None and any(one.allows and _lets_monitoring_in(one) for one in trust):
        return ""
    return (
        f"The IAM role ARN {role} is not valid or does not include the required permissions for: ENHANCED_MONITORING."
    )


def _lets_monitoring_in(statement: Statement) -> bool:
    return ("Service", MONITORING) in statement.principals and "sts:AssumeRole" in statement.actions


def _group_is_gone(request: Request, account: Account) -> str:
    named = [*_listed(request, "VpcSecurityGroupIds"), *_listed(request, "SecurityGroupIds")]
    gone = [one for one in named if not account.has_group(one, request.region)]
    return f"Invalid security group, groupId={', '.join(gone)}." if gone else ""


def _group_is_used(request: Request, account: Account) -> str:
    group = request.parameters.get("GroupId", "")
    users = account.users_of_group(group, request.region)
    return f"resource {group} has a dependent object: {', '.join(users)}." if users else ""


def _cache_parameters_are_used(request: Request, account: Account) -> str:
    group = request.parameters.get("CacheParameterGroupName", "")
    users = account.users_of_cache_parameters(group, request.region)
    return f"One or more cache clusters are still using parameter group {group}: {', '.join(users)}." if users else ""


def _trail_bucket_is_gone(request: Request, account: Account) -> str:
    bucket = request.parameters.get("S3BucketName", "")
    return f"S3 bucket {bucket} does not exist." if bucket and account.policy_of_bucket(bucket) is None else ""


def _trail_may_not_write(request: Request, account: Account) -> str:
    """Both calls of CloudTrail must be allowed by the bucket's policy: to read its list and to put a file."""
    bucket = request.parameters.get("S3BucketName", "")
    policy = account.policy_of_bucket(bucket)
    if policy is None:
        return ""
    prefix = request.parameters.get("S3KeyPrefix", "")
    trail = f"arn:aws:cloudtrail:{request.region}:{account.number}:trail/{request.parameters.get('Name', '')}"
    context = {
        "aws:sourcearn": (trail,),
        "aws:sourceaccount": (account.number,),
        "aws:securetransport": ("true",),
        "s3:x-amz-acl": ("bucket-owner-full-control",),
    }
    file = "/".join(part for part in (bucket, prefix, "AWSLogs", account.number, "file") if part)
    for call in (
        Call("s3:GetBucketAcl", f"arn:aws:s3:::{bucket}", context),
        Call("s3:PutObject", f"arn:aws:s3:::{file}", context),
    ):
        mine = [one for one in policy if ("Service", TRAIL) in one.principals or ("AWS", "*") in one.principals]
        concerned = [one for one in mine if applies(one, call)]
        if not concerned or not all(one.allows for one in concerned):
            return f"Incorrect S3 bucket policy is detected for bucket: {bucket}; {call.action} is not allowed."
    return ""


def _alias_leads_nowhere(request: Request, account: Account) -> str:
    for record in re.findall(r"<Change>.*?</Change>", request.body, re.DOTALL):
        target = re.search(r"<AliasTarget>(.*?)</AliasTarget>", record, re.DOTALL)
        if target is None or _element("Action", record) == "DELETE":
            continue
        kind = _element("Type", record)
        zone, name = _element("HostedZoneId", target[1]), _element("DNSName", target[1]).removesuffix(".")
        if name.endswith(SERVICE_NAMES):
            continue
        there = account.has_record(zone, name, kind)
        own = re.findall(r"<Name>([^<]+)</Name>", request.body)
        if there is None or (not there and name not in {one.removesuffix(".") for one in own}):
            return (
                f"Tried to create an alias that targets {name}., type {kind} in zone {zone}, but that target was not "
                "found."
            )
    return ""


def _element(name: str, text: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return found[1] if found else ""


REFERENCES: Final = (
    Reference(
        "rds-key", ("rds:CreateDBInstance",), "a KMS key of the region", "KMSKeyNotAccessibleFault",
        "RDS API, CreateDBInstance, Errors", _key_is_gone,
    ),
    Reference(
        "rds-role", ("rds:CreateDBInstance", "rds:CreateDBInstanceReadReplica", "rds:ModifyDBInstance"),
        "a role that monitoring.rds.amazonaws.com may take", "InvalidParameterValue",
        "RDS User Guide, Setting up Enhanced Monitoring", _role_is_wrong,
    ),
    Reference(
        "rds-group", ("rds:CreateDBInstance", "rds:ModifyDBInstance"), "security groups that are there",
        "InvalidParameterValue", "RDS API, CreateDBInstance.VpcSecurityGroupIds", _group_is_gone,
    ),
    Reference(
        "cache-key", ("elasticache:CreateReplicationGroup",), "a KMS key of the region", "InvalidParameterValue",
        "ElastiCache API, CreateReplicationGroup.KmsKeyId", _key_is_gone,
    ),
    Reference(
        "cache-group", ("elasticache:CreateReplicationGroup", "elasticache:ModifyReplicationGroup"),
        "security groups that are there", "InvalidParameterValue",
        "ElastiCache API, CreateReplicationGroup.SecurityGroupIds", _group_is_gone,
    ),
    Reference(
        "cache-parameters-in-use", ("elasticache:DeleteCacheParameterGroup",), "a parameter group that nothing uses",
        "InvalidCacheParameterGroupState", "ElastiCache API, DeleteCacheParameterGroup", _cache_parameters_are_used,
    ),
    Reference(
        "group-in-use", ("ec2:DeleteSecurityGroup",), "a security group that nothing uses or names",
        "DependencyViolation", "EC2 API, DeleteSecurityGroup", _group_is_used,
    ),
    Reference(
        "secret-key", ("secretsmanager:CreateSecret", "secretsmanager:UpdateSecret"), "a KMS key of the region",
        "EncryptionFailure", "Secrets Manager API, CreateSecret, Errors", _key_is_gone,
    ),
    Reference(
        "trail-bucket", ("cloudtrail:CreateTrail", "cloudtrail:UpdateTrail"), "a bucket that is there",
        "S3BucketDoesNotExistException", "CloudTrail API, CreateTrail, Errors", _trail_bucket_is_gone,
    ),
    Reference(
        "trail-policy", ("cloudtrail:CreateTrail", "cloudtrail:UpdateTrail"),
        "a bucket whose policy lets cloudtrail.amazonaws.com call s3:GetBucketAcl and s3:PutObject",
        "InsufficientS3BucketPolicyException", "CloudTrail User Guide, Amazon S3 bucket policy for CloudTrail",
        _trail_may_not_write,
    ),
    Reference(
        "trail-key", ("cloudtrail:CreateTrail", "cloudtrail:UpdateTrail"), "a KMS key of the region",
        "KmsKeyNotFoundException", "CloudTrail API, CreateTrail, Errors", _key_is_gone,
    ),
    Reference(
        "alias-target", ("route53:ChangeResourceRecordSets",), "an alias to a record that is there",
        "InvalidChangeBatch", "Route 53 API, AliasTarget.DNSName", _alias_leads_nowhere,
    ),
)  # fmt: skip
