"""The stack's own alarms during a release: they notice what a look from outside does not, such as a full database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final, TypeAlias

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.aws.session import owners_session
from localcloud.cloudfile import CloudFile
from ops.release.process import StepError
from ops.release.state import resources
from ops.target import Target

ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
MOST_NAMES: Final = 100
"""CloudWatch's DescribeAlarms takes so many names a call (API reference, AlarmNames)."""

Alarms: TypeAlias = Mapping[str, tuple[str, ...]]
"""Names by region."""


def alarms_of(target: Target) -> Alarms:
    """The alarms that the stack's state holds. Raises StepError where it cannot be read."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in resources(target):
        if one.type == ALARM:
            found[str(one.outputs["region"])].append(str(one.outputs["name"]))
    return {region: tuple(names) for region, names in found.items()}


def ringing(target: Target, alarms: Alarms) -> frozenset[str]:
    """Those of the alarms that are on. Raises StepError where CloudWatch does not answer."""
    on: set[str] = set()
    try:
        for region, names in alarms.items():
            client = _session(target, region).client("cloudwatch", endpoint_url=_endpoint(target))
            for start in range(0, len(names), MOST_NAMES):
                asked = list(names[start : start + MOST_NAMES])
                answer = client.describe_alarms(AlarmNames=asked, AlarmTypes=["MetricAlarm"])
                on.update(one["AlarmName"] for one in answer["MetricAlarms"] if one["StateValue"] == "ALARM")
    except (BotoCoreError, ClientError) as error:
        raise StepError(f"the alarms cannot be asked: {error}") from None
    return frozenset(on)


def _session(target: Target, region: str) -> boto3.Session:
    if target.engine is None:
        return boto3.Session(region_name=region)
    return owners_session(region)


def _endpoint(target: Target) -> str | None:
    return CloudFile.read(target.engine.cloud_file).aws_endpoint if target.engine else None
