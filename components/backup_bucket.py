"""The bucket that backups go to (requirement W04): closed, encrypted with a key of its own, and locked where backups
must survive a leaked credential.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws.kms as kms
import pulumi_aws.s3 as s3

from components.closed_bucket import ClosedBucket, ClosedBucketArgs, bucket_policy, closed_bucket, policy_document

WAL_DAYS: Final = 7
CONFIGURATION_DAYS: Final = 90
KEY_DELETION_DAYS: Final = 30


@dataclass(frozen=True)
class BackupBucketArgs:
    """Arguments of BackupBucket.

    region: AWS region of the resources.
    retention_days: days until a dump expires.
    protected: never empty the bucket in a destroy.
    lock_days: days of object lock, in which only the right to bypass it deletes a dump; 0 is no lock.
    """

    region: str
    retention_days: int
    protected: bool
    lock_days: int = 0


class BackupBucket(pulumi.ComponentResource):
    """An S3 bucket with a key of its own. ``bucket`` is its name, which AWS must not have seen before."""

    bucket: pulumi.Output[str]
    arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: BackupBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:backup:BackupBucket", name, None, opts)
        key = kms.Key(
            f"{name}-key",
            description="encrypts the backups",
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_DAYS,
            region=args.region,
            # Without its key every backup is lost, so it is kept as the bucket is.
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )
        days = args.retention_days
        expiring = {"db": days, "state": days, "wal": WAL_DAYS, "config": CONFIGURATION_DAYS}
        made = closed_bucket(name, ClosedBucketArgs(args.region, expiring, args.protected, key.arn), self)
        bucket_policy(name, args.region, made, made.bucket.arn.apply(policy_document), self)
        if args.lock_days:
            self._lock(name, args, made)
        self.bucket = made.bucket.bucket
        self.arn = made.bucket.arn
        self.key_arn = key.arn
        self.register_outputs({"bucket": self.bucket})

    def _lock(self, name: str, args: BackupBucketArgs, made: ClosedBucket) -> None:
        """A resource beside the bucket, because the bucket's own switch would make another bucket. Ageing out waits
        for the lock, version by version.
        """
        default = s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(mode="GOVERNANCE", days=args.lock_days)
        s3.BucketObjectLockConfiguration(
            f"{name}-lock",
            bucket=made.bucket.id,
            rule=s3.BucketObjectLockConfigurationRuleArgs(default_retention=default),
            region=args.region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[made.versioning]),
        )
