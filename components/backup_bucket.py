"""The bucket that backups go to (requirement W04): encrypted, versioned, closed to the public, TLS only, ageing out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws.kms as kms
import pulumi_aws.s3 as s3

WAL_DAYS: Final = 7
CONFIGURATION_DAYS: Final = 90
NONCURRENT_DAYS: Final = 30
ABORT_UPLOAD_DAYS: Final = 7
KEY_DELETION_DAYS: Final = 30


@dataclass(frozen=True)
class BackupBucketArgs:
    """``retention_days`` is how long a dump stays. ``protected`` buckets are never emptied by a destroy."""

    region: str
    retention_days: int
    protected: bool


class BackupBucket(pulumi.ComponentResource):
    """An S3 bucket with a key of its own. ``bucket`` is its name, which AWS must not have seen before."""

    bucket: pulumi.Output[str]
    arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: BackupBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:backup:BackupBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=args.protected)
        key = kms.Key(
            f"{name}-key",
            description="encrypts the backups",
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_DAYS,
            region=args.region,
            # Without its key every backup is lost, so it is kept as the bucket is.
            opts=kept,
        )
        bucket = s3.Bucket(f"{name}-bucket", force_destroy=not args.protected, region=args.region, opts=kept)
        s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.id,
            rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            region=args.region,
            opts=child,
        )
        closed = s3.BucketPublicAccessBlock(
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
            f"{name}-encryption",
            bucket=bucket.id,
            rules=[_encryption(key.arn)],
            region=args.region,
            opts=child,
        )
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.id,
            rules=_lifecycle(args.retention_days),
            region=args.region,
            # Rules on old versions mean nothing before versioning is on.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.id,
            policy=bucket.arn.apply(tls_only),
            region=args.region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
        )
        self.bucket = bucket.bucket
        self.arn = bucket.arn
        self.key_arn = key.arn
        self.register_outputs({"bucket": self.bucket})


def tls_only(arn: str) -> str:
    """A bucket policy that refuses every call that is not over TLS."""
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _encryption(key: pulumi.Output[str]) -> s3.BucketServerSideEncryptionConfigurationRuleArgs:
    default = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm="aws:kms", kms_master_key_id=key
    )
    return s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=default, bucket_key_enabled=True
    )


def _lifecycle(retention_days: int) -> list[s3.BucketLifecycleConfigurationRuleArgs]:
    expiring = {"db": retention_days, "state": retention_days, "wal": WAL_DAYS, "config": CONFIGURATION_DAYS}
    ageing = [
        s3.BucketLifecycleConfigurationRuleArgs(
            id=f"expire-{prefix}",
            status="Enabled",
            filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=f"{prefix}/"),
            expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
        )
        for prefix, days in expiring.items()
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
