"""CloudTrail: trails, the record of who changed what (requirement Y07)."""

from __future__ import annotations

from localcloud.aws import tags
from localcloud.aws.scope import Aws
from localcloud.provider.block import Block
from localcloud.provider.resource import AutoName, Created, ResourceType
from localcloud.provider.values import Properties, Value

MISSING = frozenset({"TrailNotFoundException"})
FIELDS = {
    "s3BucketName": "S3BucketName",
    "s3KeyPrefix": "S3KeyPrefix",
    "kmsKeyId": "KmsKeyId",
    "includeGlobalServiceEvents": "IncludeGlobalServiceEvents",
    "isMultiRegionTrail": "IsMultiRegionTrail",
}
VALIDATION = "enableLogFileValidation"


def _parameters(inputs: Block) -> Properties:
    """Asking for validation and answering it have different names."""
    return {"Name": inputs.text("name"), "EnableLogFileValidation": inputs.flag(VALIDATION), **inputs.renamed(FIELDS)}


def create_trail(aws: Aws, inputs: Block) -> Created:
    """A trail's id is its ARN."""
    listed = _listed(tags.wanted(inputs))
    answer = aws.call("cloudtrail", "create_trail", TagsList=listed, **_parameters(inputs))
    return Created(answer.text("TrailARN"))


def settle_trail(aws: Aws, arn: str, inputs: Block) -> None:
    """A trail that was just made records nothing until it is started."""
    if inputs.flag("enableLogging", default=True):
        aws.call("cloudtrail", "start_logging", Name=arn)


def read_trail(aws: Aws, arn: str, known: Block) -> Properties | None:
    """The trail, whether it records, and its tags."""
    answer = aws.find(MISSING, "cloudtrail", "get_trail", Name=arn)
    if answer is None:
        return None
    trail = answer.block("Trail")
    return {
        **trail.named(FIELDS),
        "name": trail.text("Name"),
        "arn": arn,
        "homeRegion": trail.text("HomeRegion", aws.region),
        VALIDATION: trail.flag("LogFileValidationEnabled"),
        "enableLogging": aws.call("cloudtrail", "get_trail_status", Name=arn).flag("IsLogging"),
        "region": aws.region,
        **tags.outputs(_found(aws, arn), known),
    }


def update_trail(aws: Aws, arn: str, before: Block, after: Block) -> None:
    """Settings whole, the switch and the tags by calls of their own."""
    aws.call("cloudtrail", "update_trail", **_parameters(after))
    enabled = after.flag("enableLogging", default=True)
    if before.flag("enableLogging", default=True) != enabled:
        aws.call("cloudtrail", "start_logging" if enabled else "stop_logging", Name=arn)
    old, new = tags.wanted(before), tags.wanted(after)
    if gone := {key: value for key, value in old.items() if new.get(key) != value}:
        aws.call("cloudtrail", "remove_tags", ResourceId=arn, TagsList=_listed(gone))
    if added := {key: value for key, value in new.items() if old.get(key) != value}:
        aws.call("cloudtrail", "add_tags", ResourceId=arn, TagsList=_listed(added))


def delete_trail(aws: Aws, _: str, known: Block) -> None:
    """Delete a trail; its log files stay in the bucket."""
    aws.remove(MISSING, "cloudtrail", "delete_trail", Name=known.text("name"))


def _listed(wanted: dict[str, str]) -> list[Value]:
    return [{"Key": key, "Value": value} for key, value in sorted(wanted.items())]


def _found(aws: Aws, arn: str) -> dict[str, str]:
    entries = aws.call("cloudtrail", "list_tags", ResourceIdList=[arn]).blocks("ResourceTagList")
    return {tag.text("Key"): tag.text("Value") for entry in entries for tag in entry.blocks("TagsList")}


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:cloudtrail/trail:Trail",
        inputs=frozenset({"name", *FIELDS, VALIDATION, "enableLogging", "tags", "region"}),
        replace_on=frozenset({"name", "region"}),
        auto_name=AutoName(longest=128, source="CloudTrail API, CreateTrail.Name"),
        defaults={
            "enableLogging": True,
            "includeGlobalServiceEvents": True,
            "isMultiRegionTrail": False,
            VALIDATION: False,
        },
        create=create_trail,
        settle=settle_trail,
        read=read_trail,
        update=update_trail,
        delete=delete_trail,
    ),
)
