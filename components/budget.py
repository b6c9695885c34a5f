"""The month's budget of a stack, with notices before and when it is passed (requirement M01)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws.budgets as budgets
import pulumi_aws.sns as sns

NOTICES: Final = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
"""What is compared with the limit, and at which per cent of it."""


@dataclass(frozen=True)
class BudgetArgs:
    """``monthly_usd`` bounds the cost of everything that carries the product's and stack's tags."""

    product: str
    stack: str
    monthly_usd: int
    notify: tuple[str, ...]
    region: str


class Budget(pulumi.ComponentResource):
    """A cost budget, the topic it writes to, and a subscription an address. AWS refreshes it a few times a day only."""

    topic: pulumi.Output[str]

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:cost:Budget", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = sns.Topic(f"{name}-notices", region=args.region, opts=child)
        allowed = sns.TopicPolicy(
            f"{name}-notices-policy",
            arn=topic.arn,
            policy=pulumi.Output.json_dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "BudgetsMayPublish",
                            "Effect": "Allow",
                            "Principal": {"Service": "budgets.amazonaws.com"},
                            "Action": "sns:Publish",
                            "Resource": topic.arn,
                        }
                    ],
                }
            ),
            region=args.region,
            opts=child,
        )
        for number, address in enumerate(args.notify):
            sns.TopicSubscription(
                f"{name}-notices-{number}",
                topic=topic.arn,
                protocol="email",
                endpoint=address,
                region=args.region,
                opts=child,
            )
        budgets.Budget(
            f"{name}-month",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(args.monthly_usd),
            limit_unit="USD",
            cost_filters=[
                budgets.BudgetCostFilterArgs(
                    name="TagKeyValue",
                    values=[f"user:contentgen:product${args.product}", f"user:contentgen:stack${args.stack}"],
                )
            ],
            notifications=[
                budgets.BudgetNotificationArgs(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                    subscriber_sns_topic_arns=[topic.arn],
                    # Nobody to write to is no list: AWS gives back none, and an empty one would look like drift.
                    subscriber_email_addresses=list(args.notify) or None,
                )
                for kind, percent in NOTICES
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
        self.topic = topic.arn
        self.register_outputs({"topic": self.topic})
