"""Rules of S3."""

from __future__ import annotations

from typing import Final

from localcloud.aws.rule import Rule, pattern
from localcloud.aws.rules.identities import foreign_actions, statements
from localcloud.provider.block import Block

BUCKET: Final = "aws:s3/bucket:Bucket"
BUCKET_POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy"
LIFECYCLE: Final = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
INFREQUENT_FROM_DAYS: Final = 30


def _public(inputs: Block) -> bool:
    return any(
        one.get("Effect") == "Allow" and one.get("Principal") in ("*", {"AWS": "*"}) and not one.get("Condition")
        for one in statements(inputs.text("policy"))
    )


def _expires_before_it_moves(inputs: Block) -> bool:
    return any(
        rule.block("expiration").has("days")
        and rule.block("expiration").number("days") <= max(one.number("days") for one in rule.blocks("transitions"))
        for rule in inputs.blocks("rules")
        if rule.blocks("transitions")
    )


def _moves_too_early(inputs: Block) -> bool:
    return any(
        one.text("storageClass") in ("STANDARD_IA", "ONEZONE_IA") and one.number("days") < INFREQUENT_FROM_DAYS
        for rule in inputs.blocks("rules")
        for one in rule.blocks("transitions")
    )


RULES: Final = (
    pattern(
        "bucket-name", BUCKET, "bucket", r"(?!xn--|sthree-|.*\.\.|\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "3 to 63 lower-case letters, digits, hyphens and single dots, neither of them first or last",
        "Amazon S3 User Guide, Bucket naming rules",
    ),
    Rule(
        "bucket-policy-actions", BUCKET_POLICY, "policy", "a document with actions of s3 only",
        "S3 API, PutBucketPolicy, MalformedPolicy",
        lambda inputs: foreign_actions(inputs.text("policy"), "s3"),
    ),
    Rule(
        "bucket-policy-public", BUCKET_POLICY, "policy", "no grant to all principals while public policies are blocked",
        "Amazon S3 User Guide, Blocking public access: BlockPublicPolicy", _public,
    ),
    Rule(
        "lifecycle-order", LIFECYCLE, "rules", "an expiration after every transition",
        "S3 API, PutBucketLifecycleConfiguration, InvalidArgument", _expires_before_it_moves,
    ),
    Rule(
        "lifecycle-infrequent", LIFECYCLE, "rules", f"infrequent access from {INFREQUENT_FROM_DAYS} days on",
        "Amazon S3 User Guide, Transitioning objects: at least 30 days", _moves_too_early,
    ),
)  # fmt: skip
