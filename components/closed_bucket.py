"""Base of every bucket of ours (requirement W04): owned by one account, closed to the public, versioned, encrypted,
with expiry, TLS only. Functions, so that a component's children stay its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws.s3 as s3

NONCURRENT_DAYS: Final = 30
ABORT_UPLOAD_DAYS: Final = 7

Statement = dict[str, object]


@dataclass(frozen=True)
class ClosedBucketArgs:
    """Arguments of a closed bucket.

    region: AWS region of the resources.
    expiring: days until objects expire, by folder.
    protected: never empty the bucket in a destroy.
    key: ARN of the KMS key; None lets S3 encrypt with a key of its own, the only way it can deliver access logs.
    """

    region: str
    expiring: dict[str, int]
    protected: bool
    key: pulumi.Input[str] | None = None


@dataclass(frozen=True)
class ClosedBucket:
    """Bucket and the resources that must exist before a policy, a lock or a reader relies on it.

    bucket: the bucket.
    access: block of public access.
    versioning: versioning of the objects.
    """

    bucket: s3.Bucket
    access: s3.BucketPublicAccessBlock
    versioning: s3.BucketVersioning


def closed_bucket(name: str, args: ClosedBucketArgs, parent: pulumi.Resource) -> ClosedBucket:
    """Declares everything but the policy, which names who else may come."""
    child = pulumi.ResourceOptions(parent=parent)
    kept = pulumi.ResourceOptions(parent=parent, protect=args.protected)
    bucket = s3.Bucket(f"{name}-bucket", force_destroy=not args.protected, region=args.region, opts=kept)
    s3.BucketOwnershipControls(
        f"{name}-ownership",
        bucket=bucket.id,
        rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        region=args.region,
        opts=child,
    )
    access = s3.BucketPublicAccessBlock(
        f"{name}-public-access",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        region=args.region,
        opts=child,
    )
    versioning = s3.BucketVersioning(
        f"{name}-versioning",
        bucket=bucket.id,
        versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        region=args.region,
        opts=child,
    )
    s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption", bucket=bucket.id, rules=[_encryption(args.key)], region=args.region, opts=child
    )
    s3.BucketLifecycleConfiguration(
        f"{name}-lifecycle",
        bucket=bucket.id,
        rules=_lifecycle(args.expiring),
        region=args.region,
        # Rules on old versions mean nothing before versioning is on.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[versioning]),
    )
    return ClosedBucket(bucket, access, versioning)


def bucket_policy(
    name: str, region: str, made: ClosedBucket, document: pulumi.Input[str], parent: pulumi.Resource
) -> s3.BucketPolicy:
    """The policy, once nothing in it could open the bucket."""
    after = pulumi.ResourceOptions(parent=parent, depends_on=[made.access])
    return s3.BucketPolicy(f"{name}-policy", bucket=made.bucket.id, policy=document, region=region, opts=after)


def policy_document(arn: str, allowed: Sequence[Statement] = ()) -> str:
    """A bucket policy of what is ``allowed``, which refuses every call that is not over TLS."""
    tls_only: Statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [*allowed, tls_only]})


def _encryption(key: pulumi.Input[str] | None) -> s3.BucketServerSideEncryptionConfigurationRuleArgs:
    default = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm="AES256" if key is None else "aws:kms", kms_master_key_id=key
    )
    return s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=default, bucket_key_enabled=True
    )


def _lifecycle(expiring: dict[str, int]) -> list[s3.BucketLifecycleConfigurationRuleArgs]:
    ageing = [
        s3.BucketLifecycleConfigurationRuleArgs(
            id=f"expire-{folder}",
            status="Enabled",
            filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=f"{folder}/"),
            expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
        )
        for folder, days in expiring.items()
    ]
    cleaning = s3.BucketLifecycleConfigurationRuleArgs(
        id="clean",
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=NONCURRENT_DAYS
        ),
        abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=ABORT_UPLOAD_DAYS
        ),
    )
    return [*ageing, cleaning]
