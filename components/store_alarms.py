"""CloudWatch alarms on managed stores that need a larger size (requirements P03, R03)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws.cloudwatch as cloudwatch

from components.notice_topic import ALARMS, Notices, notice_topic

MINUTE_SECONDS = 60


@dataclass(frozen=True)
class Ceiling:
    """Threshold of a store's CloudWatch metric.

    name: part of the alarm's name.
    namespace: CloudWatch namespace of the metric.
    metric: CloudWatch metric.
    dimensions: dimensions of the metric.
    most: threshold, in the metric's unit.
    minutes: time beyond the threshold after which the alarm goes off.
    advice: the setting to change, in the alarm's description.
    runbook: page with the steps to take.
    floor: False alarms above the threshold, True below it.
    """

    name: str
    namespace: str
    metric: str
    dimensions: Mapping[str, pulumi.Input[str]]
    most: float
    minutes: int
    advice: str
    runbook: str
    floor: bool = False


@dataclass(frozen=True)
class StoreAlarmsArgs:
    """Arguments of StoreAlarms.

    region: AWS region of the stores, their alarms and the topic, because an alarm reaches only its own region's topic.
    ceilings: thresholds to watch.
    notify: e-mail addresses of the topic's subscribers.
    """

    region: str
    ceilings: tuple[Ceiling, ...]
    notify: tuple[str, ...]


class StoreAlarms(pulumi.ComponentResource):
    """A topic, its subscribers, and an alarm a ceiling."""

    topic: pulumi.Output[str]

    def __init__(self, name: str, args: StoreAlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:observability:StoreAlarms", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        notices = notice_topic(f"{name}-notices", args.region, ALARMS, args.notify, child)
        for one in args.ceilings:
            _alarm(f"{name}-{one.name}", args.region, one, notices, child)
        self.topic = notices.arn
        self.register_outputs({"topic": self.topic})


def _alarm(name: str, region: str, wanted: Ceiling, notices: Notices, opts: pulumi.ResourceOptions) -> None:
    """Silence is no alarm: a store that is being replaced says nothing for a while."""
    cloudwatch.MetricAlarm(
        name,
        alarm_description=f"{wanted.advice}; runbook: {wanted.runbook}",
        namespace=wanted.namespace,
        metric_name=wanted.metric,
        dimensions=wanted.dimensions,
        statistic="Average",
        comparison_operator="LessThanThreshold" if wanted.floor else "GreaterThanThreshold",
        threshold=wanted.most,
        period=MINUTE_SECONDS,
        evaluation_periods=wanted.minutes,
        datapoints_to_alarm=wanted.minutes,
        treat_missing_data="missing",
        alarm_actions=[notices.arn],
        ok_actions=[notices.arn],
        region=region,
        opts=opts,
    )
