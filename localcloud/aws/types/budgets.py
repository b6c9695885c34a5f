"""Budgets: a monthly limit with notices to SNS and e-mail (requirement M01)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from localcloud.aws import tags
from localcloud.aws.scope import Aws
from localcloud.provider.block import Block
from localcloud.provider.resource import AutoName, Created, Problem, ResourceType
from localcloud.provider.values import Properties, Value

MISSING = frozenset({"NotFoundException"})
TAKEN = frozenset({"DuplicateRecordException"})
TAGS = tags.TagApi(
    "budgets",
    "tag_resource",
    "untag_resource",
    "list_tags_for_resource",
    "ResourceARN",
    added="ResourceTags",
    removed="ResourceTagKeys",
    answered="ResourceTags",
)
COST_TYPES = {
    "includeCredit": "IncludeCredit",
    "includeDiscount": "IncludeDiscount",
    "includeOtherSubscription": "IncludeOtherSubscription",
    "includeRecurring": "IncludeRecurring",
    "includeRefund": "IncludeRefund",
    "includeSubscription": "IncludeSubscription",
    "includeSupport": "IncludeSupport",
    "includeTax": "IncludeTax",
    "includeUpfront": "IncludeUpfront",
    "useAmortized": "UseAmortized",
    "useBlended": "UseBlended",
}
NOTIFICATION = {
    "comparisonOperator": "ComparisonOperator",
    "notificationType": "NotificationType",
    "threshold": "Threshold",
    "thresholdType": "ThresholdType",
}
SUBSCRIBERS = {"subscriberEmailAddresses": "EMAIL", "subscriberSnsTopicArns": "SNS"}
CHOICES = {
    "timeUnit": ("DAILY", "MONTHLY", "QUARTERLY", "ANNUALLY", "CUSTOM"),
    "budgetType": (
        "USAGE",
        "COST",
        "RI_UTILIZATION",
        "RI_COVERAGE",
        "SAVINGS_PLANS_UTILIZATION",
        "SAVINGS_PLANS_COVERAGE",
    ),
}
MOST_SUBSCRIBERS = {"subscriberEmailAddresses": 10, "subscriberSnsTopicArns": 1}
"""AWS's limits for one notification."""

TIME_FORMAT = "%Y-%m-%d_%H:%M"
"""The format of timePeriodStart and timePeriodEnd."""


def budget_problems(inputs: Block) -> Iterable[Problem]:
    """Inputs that AWS refuses and moto accepts."""
    for name, allowed in CHOICES.items():
        if not inputs.is_unknown(name) and inputs.text(name) not in allowed:
            yield Problem(name, f"{name} is {inputs.text(name)!r}; AWS Budgets allows {', '.join(allowed)}")
    if not inputs.has("limitAmount"):
        yield Problem("limitAmount", "a budget needs limitAmount (and limitUnit, USD for a cost budget)")
    for index, notice in enumerate(inputs.blocks("notifications")):
        for name, most in MOST_SUBSCRIBERS.items():
            if len(notice.texts(name)) > most:
                yield Problem(
                    f"notifications[{index}].{name}",
                    f"notification {index} has {len(notice.texts(name))} {name}; AWS Budgets allows {most}",
                )
        if not any(notice.has(name) for name in SUBSCRIBERS):
            yield Problem(
                f"notifications[{index}]", f"notification {index} has no subscriber; name {' or '.join(SUBSCRIBERS)}"
            )


def _account(aws: Aws) -> str:
    return aws.call("sts", "get_caller_identity").text("Account")


def _budget(inputs: Block) -> Properties:
    filters: Properties = {one.text("name"): [*one.texts("values")] for one in inputs.blocks("costFilters")}
    budget: Properties = {
        "BudgetName": inputs.text("name"),
        "BudgetType": inputs.text("budgetType"),
        "TimeUnit": inputs.text("timeUnit"),
        "BudgetLimit": {"Amount": inputs.text("limitAmount"), "Unit": inputs.text("limitUnit", "USD")},
        "CostFilters": filters,
    }
    if inputs.has("costTypes"):
        budget["CostTypes"] = inputs.block("costTypes").renamed(COST_TYPES)
    period: Properties = {
        api: datetime.strptime(inputs.text(name), TIME_FORMAT).replace(tzinfo=UTC).isoformat()
        for name, api in (("timePeriodStart", "Start"), ("timePeriodEnd", "End"))
        if inputs.has(name)
    }
    return {**budget, "TimePeriod": period} if period else budget


def _subscribers(notice: Block) -> list[Value]:
    return [
        {"SubscriptionType": kind, "Address": address}
        for name, kind in SUBSCRIBERS.items()
        for address in notice.texts(name)
    ]


def create_budget(aws: Aws, inputs: Block) -> Created:
    """The budget with its notices in one call; the id is account and name, as the official provider writes it."""
    account, name = _account(aws), inputs.text("name")
    notices: list[Value] = [
        {"Notification": notice.renamed(NOTIFICATION), "Subscribers": _subscribers(notice)}
        for notice in inputs.blocks("notifications")
    ]
    return aws.make(
        f"{account}:{name}",
        TAKEN,
        "budgets",
        "create_budget",
        AccountId=account,
        Budget=_budget(inputs),
        NotificationsWithSubscribers=notices,
        ResourceTags=TAGS.listed(tags.wanted(inputs)),
    )


def read_budget(aws: Aws, budget_id: str, known: Block) -> Properties | None:
    """The budget, its notices and who gets them."""
    account, name = budget_id.split(":", maxsplit=1)
    answer = aws.find(MISSING, "budgets", "describe_budget", AccountId=account, BudgetName=name)
    if answer is None:
        return None
    budget = answer.block("Budget")
    arn = _arn(account, name)
    filters = budget.block("CostFilters")
    return {
        "name": name,
        "accountId": account,
        "arn": arn,
        "budgetType": budget.text("BudgetType"),
        "timeUnit": budget.text("TimeUnit"),
        "limitAmount": budget.block("BudgetLimit").text("Amount"),
        "limitUnit": budget.block("BudgetLimit").text("Unit"),
        "costFilters": [{"name": name, "values": [*filters.texts(name)]} for name in filters],
        "costTypes": budget.block("CostTypes").named(COST_TYPES),
        "notifications": _notices(aws, account, name),
        **tags.outputs(TAGS.found(aws, arn), known),
    }


def _arn(account: str, name: str) -> str:
    return f"arn:aws:budgets::{account}:budget/{name}"


def _notices(aws: Aws, account: str, name: str) -> list[Value]:
    answer = aws.call("budgets", "describe_notifications_for_budget", AccountId=account, BudgetName=name)
    return [_notice(aws, account, name, notice) for notice in answer.blocks("Notifications")]


def _notice(aws: Aws, account: str, name: str, notice: Block) -> Value:
    key: Properties = {api: notice.values[api] for api in NOTIFICATION.values()}
    answer = aws.call(
        "budgets", "describe_subscribers_for_notification", AccountId=account, BudgetName=name, Notification=key
    )
    subscribers = answer.blocks("Subscribers")
    lists: Properties = {
        ours: [one.text("Address") for one in subscribers if one.text("SubscriptionType") == kind]
        for ours, kind in SUBSCRIBERS.items()
    }
    return {**notice.named(NOTIFICATION), **{ours: listed for ours, listed in lists.items() if listed}}


def update_budget(aws: Aws, budget_id: str, before: Block, after: Block) -> None:
    """The budget itself, then its notices: the changed ones are made anew."""
    account, name = budget_id.split(":", maxsplit=1)
    aws.call("budgets", "update_budget", AccountId=account, NewBudget=_budget(after))
    old, new = before.blocks("notifications"), after.blocks("notifications")
    for notice in old:
        if notice not in new:
            aws.remove(
                MISSING,
                "budgets",
                "delete_notification",
                AccountId=account,
                BudgetName=name,
                Notification=notice.renamed(NOTIFICATION),
            )
    for notice in new:
        if notice not in old:
            aws.call(
                "budgets",
                "create_notification",
                AccountId=account,
                BudgetName=name,
                Notification=notice.renamed(NOTIFICATION),
                Subscribers=_subscribers(notice),
            )
    TAGS.change(aws, _arn(account, name), before, after)


def delete_budget(aws: Aws, budget_id: str, _: Block) -> None:
    """Its notices go with it."""
    account, name = budget_id.split(":", maxsplit=1)
    aws.remove(MISSING, "budgets", "delete_budget", AccountId=account, BudgetName=name)


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:budgets/budget:Budget",
        inputs=frozenset(
            {
                "name",
                "budgetType",
                "timeUnit",
                "limitAmount",
                "limitUnit",
                "costFilters",
                "costTypes",
                "notifications",
                "timePeriodStart",
                "timePeriodEnd",
                "tags",
            }
        ),
        replace_on=frozenset({"name"}),
        auto_name=AutoName(longest=100, source="Budgets API, Budget.BudgetName"),
        also_computed=frozenset({"costFilters", "costTypes", "limitUnit", "timePeriodStart", "accountId"}),
        problems=budget_problems,
        create=create_budget,
        read=read_budget,
        update=update_budget,
        delete=delete_budget,
    ),
)
