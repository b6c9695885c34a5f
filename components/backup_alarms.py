"""CloudWatch heartbeat alarms for backups and restore checks (requirement W03). They live outside the cluster, so that
a dead cluster raises them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws.cloudwatch as cloudwatch

from components.notice_topic import ALARMS, Notices, notice_topic
from stacks.specs.alert import Expectation

HOUR_SECONDS: Final = 3600


@dataclass(frozen=True)
class BackupAlarmsArgs:
    """Arguments of BackupAlarms. Metrics and alarms are in one region, because an alarm reaches only its own region's
    topic.

    region: AWS region of the resources.
    metrics: CloudWatch namespace of the metrics.
    expectations: heartbeats to watch.
    notify: e-mail addresses of the topic's subscribers.
    runbook: page with the steps to take.
    """

    region: str
    metrics: str
    expectations: tuple[Expectation, ...]
    notify: tuple[str, ...]
    runbook: str


class BackupAlarms(pulumi.ComponentResource):
    """A topic, its subscribers, and an alarm an expectation: it goes off when no success was counted in time."""

    topic: pulumi.Output[str]

    def __init__(self, name: str, args: BackupAlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:backup:BackupAlarms", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = notice_topic(f"{name}-notices", args.region, ALARMS, args.notify, child)
        for one in args.expectations:
            _alarm(f"{name}-{one.region}-{one.name}", args, one, topic, child)
        self.topic = topic.arn
        self.register_outputs({"topic": self.topic})


def _alarm(
    name: str, args: BackupAlarmsArgs, wanted: Expectation, topic: Notices, opts: pulumi.ResourceOptions
) -> None:
    """Hour by hour, so that it goes off within an hour; silence counts as failure."""
    cloudwatch.MetricAlarm(
        name,
        alarm_description=(
            f"no {wanted.name} succeeded in {wanted.region} for {wanted.hours} h; runbook: {args.runbook}"
        ),
        namespace=args.metrics,
        metric_name=wanted.metric,
        dimensions={"Region": wanted.region},
        statistic="Sum",
        comparison_operator="LessThanThreshold",
        threshold=1,
        period=HOUR_SECONDS,
        evaluation_periods=wanted.hours,
        datapoints_to_alarm=wanted.hours,
        treat_missing_data="breaching",
        alarm_actions=[topic.arn],
        ok_actions=[topic.arn],
        region=args.region,
        opts=opts,
    )
