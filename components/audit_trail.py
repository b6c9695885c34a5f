"""CloudTrail trail of the account (requirement Y07): every management call of every region."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws.cloudtrail as cloudtrail
import pulumi_aws.kms as kms

from components.arns import trail_arn
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.log_bucket import TRAIL_FOLDER


@dataclass(frozen=True)
class AuditTrailArgs:
    """Arguments of AuditTrail.

    region: home region of the trail.
    name: trail name, which the bucket's policy allows to write.
    account: AWS account number.
    bucket: bucket that the trail writes to.
    protected: keep the KMS key of the logs through a destroy.
    """

    region: str
    name: str
    account: pulumi.Output[str]
    bucket: pulumi.Output[str]
    protected: bool


class AuditTrail(pulumi.ComponentResource):
    """A trail over all regions with a key of its own. Digests signed by AWS show a changed or missing file."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: AuditTrailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:audit:AuditTrail", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = EncryptionKey(name, EncryptionKeyArgs(args.region, f"audit trail {args.name}", args.protected), child)
        allowed = kms.KeyPolicy(
            f"{name}-key-policy",
            key_id=key.id,
            policy=args.account.apply(lambda account: key_policy(args.region, account, args.name)),
            region=args.region,
            opts=child,
        )
        trail = cloudtrail.Trail(
            f"{name}-trail",
            name=args.name,
            s3_bucket_name=args.bucket,
            s3_key_prefix=TRAIL_FOLDER,
            kms_key_id=key.arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            region=args.region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
        self.arn = trail.arn
        self.register_outputs({"arn": self.arn})


def key_policy(region: str, account: str, trail: str) -> str:
    """The account decides by IAM who reads; AWS's service may only encrypt, and only for this trail.

    A key whose policy does not let the account in can never be managed again.
    """
    arn = trail_arn(region, account, trail)
    owner: dict[str, object] = {
        "Sid": "AccountDecides",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    writer: dict[str, object] = {
        "Sid": "TrailEncrypts",
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceArn": arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [owner, writer]})
