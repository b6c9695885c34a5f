"""The month's budget of a stack, with notices before and when it is passed (requirement M01)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws.budgets as budgets

from components.notice_topic import notice_topic

PUBLISHER: Final = "budgets.amazonaws.com"
NOTICES: Final = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
"""Notifications: the amount that is compared with the limit, and the per cent of it."""


@dataclass(frozen=True)
class BudgetArgs:
    """Arguments of Budget.

    product: value of the cost-allocation tag.
    stack: value of the cost-allocation tag.
    monthly_usd: limit of everything that carries both tags, USD a calendar month.
    notify: e-mail addresses of the topic's subscribers.
    region: AWS region of the topic.
    """

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
        notices = notice_topic(f"{name}-notices", args.region, PUBLISHER, args.notify, child)
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
                    subscriber_sns_topic_arns=[notices.arn],
                    # Nobody to write to is no list: AWS gives back none, and an empty one would look like drift.
                    subscriber_email_addresses=list(args.notify) or None,
                )
                for kind, percent in NOTICES
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[notices.policy]),
        )
        self.topic = notices.arn
        self.register_outputs({"topic": self.topic})
