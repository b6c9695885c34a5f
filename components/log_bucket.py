"""Bucket of access logs and of the account's audit trail (requirements X01, Y07). It keeps no log of itself, which
would never end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import pulumi
import pulumi_aws.s3 as s3

from components.arns import trail_arn
from components.closed_bucket import ClosedBucketArgs, Statement, bucket_policy, closed_bucket, policy_document

ACCESS_FOLDER: Final = "access"
TRAIL_FOLDER: Final = "trail"
ACCESS_DAYS: Final = 90
TRAIL_DAYS: Final = 365


@dataclass(frozen=True)
class Watched:
    """Bucket whose accesses are logged.

    bucket: name of the bucket.
    arn: its ARN.
    """

    bucket: pulumi.Input[str]
    arn: pulumi.Input[str]


@dataclass(frozen=True)
class LogBucketArgs:
    """Arguments of LogBucket.

    region: AWS region, the same as that of the watched buckets (S3 requires it).
    account: AWS account number.
    source: bucket of the backups.
    protected: never empty the bucket in a destroy.
    trail: name of the audit trail that may write here; None for no trail.
    files: the product's other buckets, by name.
    """

    region: str
    account: pulumi.Output[str]
    source: Watched
    protected: bool
    trail: str | None = None
    files: Mapping[str, Watched] = field(default_factory=lambda: MappingProxyType({}))


class LogBucket(pulumi.ComponentResource):
    """An S3 bucket that AWS's own services write to, each into its folder and for the sources that are named here only.

    S3 delivers access logs only where its own key encrypts, and where no retention lock is set.
    """

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: LogBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:audit:LogBucket", name, None, opts)
        expiring = {ACCESS_FOLDER: ACCESS_DAYS} | ({TRAIL_FOLDER: TRAIL_DAYS} if args.trail else {})
        made = closed_bucket(name, ClosedBucketArgs(args.region, expiring, args.protected), self)
        watched = {"source": args.source, **args.files}
        known = pulumi.Output.all(made.bucket.arn, args.account, *(one.arn for one in watched.values()))
        policy = bucket_policy(name, args.region, made, known.apply(lambda given: _document(args, *given)), self)
        for (key, one), folder in zip(watched.items(), _folders(args), strict=True):
            s3.BucketLogging(
                f"{name}-{key}",
                bucket=one.bucket,
                target_bucket=made.bucket.id,
                target_prefix=f"{folder}/",
                region=args.region,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
            )
        # Who writes here must find the policy in force.
        self.bucket = pulumi.Output.all(made.bucket.bucket, policy.id).apply(lambda found: str(found[0]))
        self.register_outputs({"bucket": self.bucket})


def _folders(args: LogBucketArgs) -> tuple[str, ...]:
    """Folder of each watched bucket, the backups' first."""
    return (ACCESS_FOLDER, *(f"{ACCESS_FOLDER}/{key}" for key in args.files))


def _document(args: LogBucketArgs, arn: str, account: str, *sources: str) -> str:
    names = ("AccessLogs", *(f"AccessLogsOf{key.title()}" for key in args.files))
    places = zip(names, _folders(args), sources, strict=True)
    statements = [_access(name, f"{arn}/{folder}/*", account, source) for name, folder, source in places]
    if args.trail is not None:
        statements += _trail(arn, account, trail_arn(args.region, account, args.trail))
    return policy_document(arn, statements)


def _access(name: str, objects: str, account: str, source: str) -> Statement:
    return {
        "Sid": name,
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": ["s3:PutObject"],
        "Resource": objects,
        "Condition": {"StringEquals": {"aws:SourceAccount": account}, "ArnEquals": {"aws:SourceArn": source}},
    }


def _trail(arn: str, account: str, trail: str) -> list[Statement]:
    principal, own = {"Service": "cloudtrail.amazonaws.com"}, {"aws:SourceArn": trail}
    looks: Statement = {
        "Sid": "TrailLooks",
        "Effect": "Allow",
        "Principal": principal,
        "Action": ["s3:GetBucketAcl"],
        "Resource": arn,
        "Condition": {"StringEquals": own},
    }
    writes: Statement = {
        "Sid": "TrailWrites",
        "Effect": "Allow",
        "Principal": principal,
        "Action": ["s3:PutObject"],
        "Resource": f"{arn}/{TRAIL_FOLDER}/AWSLogs/{account}/*",
        "Condition": {"StringEquals": {**own, "s3:x-amz-acl": "bucket-owner-full-control"}},
    }
    return [looks, writes]
