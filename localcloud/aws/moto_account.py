"""The embedded account as the evaluation needs it: whose key signed, which policies they hold, which keys encrypt.

It reads moto's own state, so a policy counts from the moment that a stack has written it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.ec2.models.security_groups import SecurityGroup
from moto.elasticache.models import elasticache_backends
from moto.iam.models import IAMBackend, Role, User, iam_backends
from moto.kms.models import kms_backends
from moto.rds.models import rds_backends
from moto.route53.models import route53_backends
from moto.s3.models import FakeBucket, s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sts.models import sts_backends

from localcloud.aws.permissions.documents import Statement, parse
from localcloud.aws.permissions.evaluation import EVERYTHING, Caller, Identity

PARTITION: Final = "aws"
ARN_FIELDS: Final = 6


def identity_of(access_key: str) -> Identity | None:
    """The identity behind a key of IAM or STS; None for a key of neither, which stands for the account's owner."""
    session = sts_backends[DEFAULT_ACCOUNT_ID][PARTITION].get_assumed_role_from_access_key(access_key)
    if session is not None:
        role = role_of(session.role_arn)
        caller = Caller(session.arn, DEFAULT_ACCOUNT_ID, session.role_arn)
        return Identity(caller, _held(role) if role is not None else ())
    users = _iam().users.values()
    user = next((one for one in users if access_key in {key.access_key_id for key in one.access_keys}), None)
    if user is None:
        return None
    return Identity(Caller(user.arn, DEFAULT_ACCOUNT_ID, user.arn), _held(user))


def role_of(arn: str) -> Role | None:
    """A role by its ARN."""
    return next((one for one in _iam().roles.values() if one.arn == arn), None)


def resource_policy(resource: str) -> Sequence[Statement] | None:
    """The policy of a bucket or a key; None for a resource without one."""
    fields = resource.split(":", ARN_FIELDS - 1)
    if len(fields) < ARN_FIELDS:
        return None
    if fields[2] == "s3":
        bucket = _buckets().get(fields[5].partition("/")[0])
        return parse(bucket.policy.decode()) if bucket is not None and bucket.policy else None
    if fields[2] == "kms":
        key = kms_backends[DEFAULT_ACCOUNT_ID][fields[3]].keys.get(fields[5].removeprefix("key/"))
        return parse(key.policy) if key is not None and key.policy else None
    return None


class AccountKeys:
    """KMS key behind each bucket, object and secret; see `localcloud.aws.permissions.needs.Keys`."""

    def of_bucket(self, bucket: str) -> str | None:
        found = _buckets().get(bucket)
        if found is None or not found.encryption:
            return None
        default = found.encryption["Rule"]["ApplyServerSideEncryptionByDefault"]
        return str(default["KMSMasterKeyID"]) if "KMSMasterKeyID" in default else None

    def of_object(self, bucket: str, key: str) -> str | None:
        found = _buckets().get(bucket)
        stored = found.keys.get(key) if found is not None else None
        return getattr(stored, "kms_key_id", None)

    def of_secret(self, secret: str) -> str | None:
        for backend in secretsmanager_backends[DEFAULT_ACCOUNT_ID].values():
            for name, one in backend.secrets.items():
                if secret in (name, one.arn):
                    return str(one.kms_key_id) if one.kms_key_id else None
        return None

    def named(self, key: str, region: str) -> str:
        backend = kms_backends[DEFAULT_ACCOUNT_ID][region]
        if key.startswith("arn:") and ":alias/" not in key:
            return key
        name = key.rpartition(":alias/")[2] if ":alias/" in key else key.removeprefix("alias/")
        target = backend.get_key_id_from_alias(f"alias/{name}") if "alias/" in key else key
        return f"arn:aws:kms:{region}:{DEFAULT_ACCOUNT_ID}:key/{target}" if target else EVERYTHING


class EmbeddedAccount:
    """Contents of the embedded account; see `localcloud.aws.references.Account`."""

    number = DEFAULT_ACCOUNT_ID

    def has_key(self, key: str, region: str) -> bool:
        """See the protocol."""
        identifier = AccountKeys().named(key, region).rpartition("key/")[2]
        found = kms_backends[DEFAULT_ACCOUNT_ID][region].keys.get(identifier)
        return found is not None and found.key_state == "Enabled"

    def trust_of(self, role: str) -> Sequence[Statement] | None:
        """See the protocol."""
        found = role_of(role)
        return parse(found.assume_role_policy_document) if found is not None else None

    def has_group(self, group: str, region: str) -> bool:
        """See the protocol."""
        return group in {one.id for one in _groups(region)}

    def users_of_group(self, group: str, region: str) -> Sequence[str]:
        """See the protocol."""
        databases = rds_backends[DEFAULT_ACCOUNT_ID][region].databases.values()
        caches = elasticache_backends[DEFAULT_ACCOUNT_ID][region].replication_groups.values()
        return [
            *(one.db_instance_identifier for one in databases if group in (one.vpc_security_group_ids or ())),
            *(one.replication_group_id for one in caches if group in (one.security_group_ids or ())),
            *(one.id for one in _groups(region) if one.id != group and group in _named_by(one)),
        ]

    def users_of_cache_parameters(self, group: str, region: str) -> Sequence[str]:
        """See the protocol."""
        caches = elasticache_backends[DEFAULT_ACCOUNT_ID][region].replication_groups.values()
        return [one.replication_group_id for one in caches if one.cache_parameter_group_name == group]

    def policy_of_bucket(self, bucket: str) -> Sequence[Statement] | None:
        """See the protocol."""
        found = _buckets().get(bucket)
        if found is None:
            return None
        return parse(found.policy.decode()) if found.policy else ()

    def has_record(self, zone: str, name: str, kind: str) -> bool | None:
        """See the protocol."""
        found = route53_backends[DEFAULT_ACCOUNT_ID][PARTITION].zones.get(zone)
        if found is None:
            return None
        return any(one.name.removesuffix(".") == name and one.type == kind for one in found.rrsets)


def _groups(region: str) -> list[SecurityGroup]:
    return [one for groups in ec2_backends[DEFAULT_ACCOUNT_ID][region].groups.values() for one in groups.values()]


def _named_by(group: SecurityGroup) -> set[str]:
    rules = (*group.ingress_rules, *group.egress_rules)
    return {str(rule.source_group.get("GroupId")) for rule in rules}


def _held(holder: Role | User) -> Sequence[Statement]:
    """Inline and attached policies."""
    inline = holder.policies.values()
    versions = (version for one in holder.managed_policies.values() for version in one.versions)
    attached = [version.document for version in versions if version.is_default]
    return [statement for document in (*inline, *attached) for statement in parse(document)]


def _iam() -> IAMBackend:
    return iam_backends[DEFAULT_ACCOUNT_ID][PARTITION]


def _buckets() -> dict[str, FakeBucket]:
    return s3_backends[DEFAULT_ACCOUNT_ID][PARTITION].buckets
