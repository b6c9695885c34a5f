"""AWS permissions of each service account and their reasons (requirement X01): calls named one by one, resources in
full.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.service_role import Grant
from stacks.specs.bucket import BucketAccess
from stacks.specs.job import BackupUse

RECORD_TYPES = ("ForAllValues:StringEquals", "route53:ChangeResourceRecordSetsRecordTypes", ("TXT",))
"""The certificate authority reads TXT records; none that routes traffic can be changed with this."""

RECORD_NAMES = (
    "ForAllValues:StringLike", "route53:ChangeResourceRecordSetsNormalizedRecordNames", ("_acme-challenge.*",),
)  # fmt: skip
"""Names of the records that prove a domain (RFC 8555, section 8.4)."""


@dataclass(frozen=True)
class Backups:
    """Target of every region's backups.

    bucket: name of the bucket.
    arn: its ARN.
    key_arn: ARN of the KMS key that encrypts it.
    region: AWS region of the bucket and of the metrics.
    metrics: CloudWatch namespace in which a job counts its successes.
    """

    bucket: pulumi.Input[str]
    arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    region: str
    metrics: str


def backup_grants(backups: Backups, use: BackupUse) -> tuple[Grant, ...]:
    """Permission to write or to read backups, or to archive rows and configuration and to read rows back, and to count
    successes; never to delete: expiry is the bucket's lifecycle, and no identity may bypass its lock. Writing neither
    reads nor lists, and needs kms:Decrypt for a dump's parts (Amazon S3 User Guide, "Uploading and copying objects
    using multipart upload").
    """
    dumps, state = (_joined(backups.arn, f"/{folder}/*") for folder in ("db", "state"))
    # AWS knows no resource for metrics; the namespace is the least that can be said.
    told = Grant(("cloudwatch:PutMetricData",), ("*",), (("StringEquals", "cloudwatch:namespace", (backups.metrics,)),))
    listed = Grant(("s3:ListBucket",), (backups.arn,))
    if use is BackupUse.READS:
        return (Grant(("s3:GetObject",), (dumps,)), listed, Grant(("kms:Decrypt",), (backups.key_arn,)), told)
    archive, configuration = (_joined(backups.arn, f"/{folder}/*") for folder in ("archive", "config"))
    archived = (Grant(("s3:PutObject",), (archive, configuration)), Grant(("s3:GetObject",), (archive,)))
    return (
        *(archived if use is BackupUse.ARCHIVES else ()),
        Grant(("s3:PutObject", "s3:AbortMultipartUpload"), (dumps, state)),
        Grant(("kms:GenerateDataKey", "kms:Decrypt"), (backups.key_arn,)),
        told,
    )


@dataclass(frozen=True)
class Files:
    """Bucket for a product's files.

    bucket: name of the bucket.
    arn: its ARN.
    key_arn: ARN of the KMS key that encrypts it.
    region: AWS region of the bucket.
    folder: prefix of every object.
    """

    bucket: pulumi.Input[str]
    arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    region: str
    folder: str


def bucket_grants(files: Files, access: BucketAccess) -> tuple[Grant, ...]:
    """Permission to hand out and remove files, to write them, or to find and remove those that nothing refers to.

    Reading needs kms:Decrypt also where a client reads by a signed address: it acts with the signer's permissions
    (Amazon S3 User Guide, "Download and upload objects with presigned URLs").
    """
    objects = _joined(files.arn, f"/{files.folder}/*")
    match access:
        case BucketAccess.SERVES:
            return (
                Grant(("s3:GetObject", "s3:DeleteObject"), (objects,)),
                Grant(("kms:Decrypt",), (files.key_arn,)),
            )
        case BucketAccess.WRITES:
            return (
                Grant(("s3:PutObject", "s3:AbortMultipartUpload"), (objects,)),
                Grant(("kms:GenerateDataKey", "kms:Decrypt"), (files.key_arn,)),
            )
        case BucketAccess.KEEPS:
            return (*bucket_grants(files, BucketAccess.WRITES), *bucket_grants(files, BucketAccess.SERVES))
        case BucketAccess.CLEANS:
            return (Grant(("s3:ListBucket",), (files.arn,)), Grant(("s3:DeleteObject",), (objects,)))


def certificate_grants(zone: pulumi.Input[str]) -> tuple[Grant, ...]:
    """To prove the domain by TXT records in its own zone."""
    arn = _joined("arn:aws:route53:::hostedzone/", zone)
    return (
        Grant(("route53:ChangeResourceRecordSets",), (arn,), (RECORD_TYPES, RECORD_NAMES)),
        Grant(("route53:ListResourceRecordSets",), (arn,)),
        # A change has an id of its own, which nobody knows before it is made.
        Grant(("route53:GetChange",), ("arn:aws:route53:::change/*",)),
    )


def _joined(*parts: pulumi.Input[str]) -> pulumi.Input[str]:
    """Texts as a text, so that documentation says the same as a deployment declares."""
    texts = [one for one in parts if isinstance(one, str)]
    return "".join(texts) if len(texts) == len(parts) else pulumi.Output.concat(*parts)
