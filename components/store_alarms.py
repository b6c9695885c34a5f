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
    """Threshold of a store's CloudWatch metric, with the advice and runbook that its alarm names."""

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
    """Alarms and topic are in the stores' own ``region``, because an alarm reaches only its own region's topic."""

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
