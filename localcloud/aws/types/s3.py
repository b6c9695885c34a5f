"""S3: the bucket itself. Its settings are resources of their own, in `s3_settings`."""

from __future__ import annotations

from localcloud.aws import tags
from localcloud.aws.scope import Aws, AwsRefusal
from localcloud.provider.block import Block
from localcloud.provider.resource import (
    AlreadyThere,
    AutoName,
    Created,
    ProviderError,
    ResourceType,
)
from localcloud.provider.values import Properties, Value

MISSING = frozenset({"NoSuchBucket", "404"})
UNLOCKED = frozenset({"ObjectLockConfigurationNotFoundError"})
TAKEN = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})
TAGS = tags.TagApi(
    "s3", "put_bucket_tagging", "delete_bucket_tagging", "get_bucket_tagging", "Bucket", answered="TagSet"
)

REGION_WITHOUT_CONSTRAINT = "us-east-1"
"""The one region whose buckets are made without naming it; S3 refuses its name as a constraint."""


def create_bucket(aws: Aws, inputs: Block) -> Created:
    """Make the bucket. In one region S3 answers a repeated create with success, so existence is asked first."""
    name = inputs.text("bucket")
    if aws.find(MISSING, "s3", "head_bucket", Bucket=name):
        raise AlreadyThere(name, f"s3 bucket {name} exists already")
    parameters: Properties = {"Bucket": name}
    if aws.region != REGION_WITHOUT_CONSTRAINT:
        parameters["CreateBucketConfiguration"] = {"LocationConstraint": aws.region}
    if inputs.flag("objectLockEnabled"):
        parameters["ObjectLockEnabledForBucket"] = True
    return aws.make(name, TAKEN, "s3", "create_bucket", **parameters)


def settle_bucket(aws: Aws, name: str, inputs: Block) -> None:
    """S3 takes tags only after the bucket exists."""
    if wanted := tags.wanted(inputs):
        aws.call("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": TAGS.listed(wanted)})


def read_bucket(aws: Aws, name: str, known: Block) -> Properties | None:
    """The bucket with its names and tags."""
    if aws.find(MISSING, "s3", "head_bucket", Bucket=name) is None:
        return None
    location = aws.call("s3", "get_bucket_location", Bucket=name).text("LocationConstraint", REGION_WITHOUT_CONSTRAINT)
    lock = aws.find(UNLOCKED, "s3", "get_object_lock_configuration", Bucket=name)
    return {
        "bucket": name,
        "region": location,
        "bucketRegion": location,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{location}.amazonaws.com",
        "objectLockEnabled": lock is not None,
        **tags.outputs(TAGS.found(aws, name, missing={"NoSuchTagSet"}), known),
    }


def update_bucket(aws: Aws, name: str, before: Block, after: Block) -> None:
    """Only tags change in place; S3 replaces the whole set."""
    if tags.wanted(before) == tags.wanted(after):
        return
    if wanted := tags.wanted(after):
        aws.call("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": TAGS.listed(wanted)})
    else:
        aws.call("s3", "delete_bucket_tagging", Bucket=name)


def delete_bucket(aws: Aws, name: str, known: Block) -> None:
    """Remove the bucket; one that holds objects or versions only with `forceDestroy`, as AWS has it."""
    if aws.find(MISSING, "s3", "head_bucket", Bucket=name) is None:
        return
    locked = aws.find(UNLOCKED, "s3", "get_object_lock_configuration", Bucket=name) is not None
    while contents := _contents(aws, name):
        if not known.flag("forceDestroy"):
            raise ProviderError(
                f"s3 bucket {name} still holds objects (BucketNotEmpty); empty it, or set forceDestroy on it and "
                f"deploy once before deleting it"
            )
        _empty(aws, name, contents, bypass=locked)
    aws.remove(MISSING, "s3", "delete_bucket", Bucket=name)


def _contents(aws: Aws, name: str) -> list[Value]:
    answer = aws.call("s3", "list_object_versions", Bucket=name)
    entries = answer.blocks("Versions") + answer.blocks("DeleteMarkers")
    return [{"Key": entry.text("Key"), "VersionId": entry.text("VersionId", "null")} for entry in entries]


def _empty(aws: Aws, name: str, contents: list[Value], *, bypass: bool) -> None:
    """Round a governance lock, as the official provider goes with `forceDestroy`."""
    around: Properties = {"BypassGovernanceRetention": True} if bypass else {}
    answer = aws.call("s3", "delete_objects", Bucket=name, Delete={"Objects": contents, "Quiet": True}, **around)
    for error in answer.blocks("Errors"):
        raise AwsRefusal(
            "s3", "delete_objects", error.text("Code"), f"{name}/{error.text('Key')}: {error.text('Message')}"
        )


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:s3/bucket:Bucket",
        inputs=frozenset({"bucket", "forceDestroy", "objectLockEnabled", "tags", "region"}),
        replace_on=frozenset({"bucket", "objectLockEnabled", "region"}),
        auto_name=AutoName("bucket", 63, lower=True, source="Amazon S3 User Guide, Bucket naming rules"),
        defaults={"forceDestroy": False},
        also_computed=frozenset({"objectLockEnabled"}),
        create=create_bucket,
        settle=settle_bucket,
        read=read_bucket,
        update=update_bucket,
        delete=delete_bucket,
    ),
)
