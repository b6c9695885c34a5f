"""Bucket for files that a product makes (requirement W04): closed, encrypted with a key of its own, with expiry."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.closed_bucket import ClosedBucketArgs, bucket_policy, closed_bucket, policy_document
from components.encryption_key import EncryptionKey, EncryptionKeyArgs


@dataclass(frozen=True)
class FileBucketArgs:
    """Arguments of FileBucket.

    region: AWS region of the resources.
    purpose: files in the bucket, in words.
    expiring: days until objects expire, by folder.
    protected: never empty the bucket in a destroy.
    """

    region: str
    purpose: str
    expiring: dict[str, int]
    protected: bool


class FileBucket(pulumi.ComponentResource):
    """An S3 bucket with a key of its own."""

    bucket: pulumi.Output[str]
    arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: FileBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:storage:FileBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = EncryptionKey(name, EncryptionKeyArgs(args.region, args.purpose, args.protected), child)
        made = closed_bucket(name, ClosedBucketArgs(args.region, args.expiring, args.protected, key.arn), self)
        bucket_policy(name, args.region, made, made.bucket.arn.apply(policy_document), self)
        self.bucket = made.bucket.bucket
        self.arn = made.bucket.arn
        self.key_arn = key.arn
        self.register_outputs({"bucket": self.bucket})
