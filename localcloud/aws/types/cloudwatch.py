"""CloudWatch: alarms on one metric."""

from __future__ import annotations

from localcloud.aws import tags
from localcloud.aws.scope import Aws
from localcloud.provider.block import Block
from localcloud.provider.resource import AlreadyThere, AutoName, Created, ResourceType
from localcloud.provider.values import Properties, Value

TAGS = tags.TagApi("cloudwatch", "tag_resource", "untag_resource", "list_tags_for_resource", "ResourceARN")
FIELDS = {
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluationPeriods": "EvaluationPeriods",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "okActions": "OKActions",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
}


def _put(aws: Aws, inputs: Block, wanted: dict[str, str]) -> None:
    """Creating and changing are one call, which overwrites the alarm whole; tags it takes only when it creates."""
    dimensions: list[Value] = [
        {"Name": name, "Value": value} for name, value in inputs.texts_by_name("dimensions").items()
    ]
    aws.call(
        "cloudwatch",
        "put_metric_alarm",
        AlarmName=inputs.text("name"),
        Dimensions=dimensions,
        Tags=TAGS.listed(wanted),
        **inputs.renamed(FIELDS),
    )


def _alarm(aws: Aws, name: str) -> Block | None:
    found = aws.call("cloudwatch", "describe_alarms", AlarmNames=[name]).blocks("MetricAlarms")
    return found[0] if found else None


def create_alarm(aws: Aws, inputs: Block) -> Created:
    """CloudWatch overwrites in silence, so an alarm of that name that is there already is asked about first."""
    name = inputs.text("name")
    if _alarm(aws, name) is not None:
        raise AlreadyThere(name, f"cloudwatch alarm {name} exists already")
    _put(aws, inputs, tags.wanted(inputs))
    return Created(name)


def read_alarm(aws: Aws, name: str, known: Block) -> Properties | None:
    """The alarm and its tags."""
    alarm = _alarm(aws, name)
    if alarm is None:
        return None
    arn = alarm.text("AlarmArn")
    return {
        **alarm.named(FIELDS),
        "name": name,
        "arn": arn,
        "dimensions": {one.text("Name"): one.text("Value") for one in alarm.blocks("Dimensions")},
        "region": aws.region,
        **tags.outputs(TAGS.found(aws, arn), known),
    }


def update_alarm(aws: Aws, name: str, before: Block, after: Block) -> None:
    """The whole alarm, then its tags."""
    _put(aws, after, {})
    if (alarm := _alarm(aws, name)) is not None:
        TAGS.change(aws, alarm.text("AlarmArn"), before, after)


def delete_alarm(aws: Aws, name: str, _: Block) -> None:
    """Deleting an alarm that is gone is no error to CloudWatch."""
    aws.call("cloudwatch", "delete_alarms", AlarmNames=[name])


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:cloudwatch/metricAlarm:MetricAlarm",
        inputs=frozenset({"name", *FIELDS, "dimensions", "tags", "region"}),
        replace_on=frozenset({"name", "region"}),
        auto_name=AutoName(longest=255, source="CloudWatch API, PutMetricAlarm.AlarmName"),
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        create=create_alarm,
        read=read_alarm,
        update=update_alarm,
        delete=delete_alarm,
    ),
)
