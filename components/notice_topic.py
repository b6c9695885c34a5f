"""A topic for notices to people: who may write to it, and who gets it by e-mail (requirements M01, W03, P03)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws.sns as sns

from components.arns import account_of

ALARMS: Final = "cloudwatch.amazonaws.com"


@dataclass(frozen=True)
class Notices:
    """SNS topic for notifications.

    arn: ARN of the topic.
    policy: topic policy; a resource that AWS checks for the right to publish at its creation depends on it.
    """

    arn: pulumi.Output[str]
    policy: sns.TopicPolicy


def notice_topic(
    name: str, region: str, publisher: str, addresses: tuple[str, ...], opts: pulumi.ResourceOptions
) -> Notices:
    """``publisher`` is the AWS service that writes, on behalf of the topic's own account alone. A function, because a
    component of its own would give released topics other parents.
    """
    topic = sns.Topic(name, region=region, opts=opts)
    policy = sns.TopicPolicy(
        f"{name}-policy", arn=topic.arn, policy=_may_publish(publisher, topic.arn), region=region, opts=opts
    )
    for number, address in enumerate(addresses):
        sns.TopicSubscription(
            f"{name}-{number}", topic=topic.arn, protocol="email", endpoint=address, region=region, opts=opts
        )
    return Notices(topic.arn, policy)


def _may_publish(publisher: str, arn: pulumi.Output[str]) -> pulumi.Output[str]:
    def document(topic: str, account: str) -> str:
        statement = {
            "Sid": "NoticesMayBePublished",
            "Effect": "Allow",
            "Principal": {"Service": publisher},
            "Action": "sns:Publish",
            "Resource": topic,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    return pulumi.Output.all(arn, account_of(arn)).apply(lambda known: document(*known))
