"""Cases of SNS and Budgets."""

from __future__ import annotations

import json

from localcloud.provider.values import Properties
from tests.aws.cases import Case, named, statement, topic
from tests.aws.driver import Made
from tests.aws.world import World

ACCOUNT = "123456789012"


def notice(kind: str, threshold: int, address: str) -> Properties:
    """A notification of a budget."""
    return {
        "comparisonOperator": "GREATER_THAN",
        "notificationType": kind,
        "threshold": threshold,
        "thresholdType": "PERCENTAGE",
        "subscriberEmailAddresses": [address],
    }


def budget(world: World) -> Properties:
    """A month's budget by product, as requirement M01 asks for it."""
    return {
        "budgetType": "COST",
        "timeUnit": "MONTHLY",
        "limitAmount": "1500",
        "limitUnit": "USD",
        "costFilters": [{"name": "TagKeyValue", "values": ["user:contentgen:product$content-generation"]}],
        "notifications": [
            {**notice("ACTUAL", 80, "ops@example.org"), "subscriberSnsTopicArns": [topic(world).id]},
            notice("FORECASTED", 100, "ops@example.org"),
        ],
        "tags": {"owner": "platform"},
    }


def budget_seen(world: World, made: Made) -> Properties:
    """The budget with everybody who is told about it."""
    budgets, name = world.boto("budgets"), made.text("name")
    found = budgets.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
    tags = budgets.list_tags_for_resource(ResourceARN=made.text("arn"))["ResourceTags"]
    notices = budgets.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=name)["Notifications"]
    return {
        "limitAmount": str(int(float(found["BudgetLimit"]["Amount"]))),
        "costFilters": [{"name": key, "values": values} for key, values in found["CostFilters"].items()],
        "notifications": [notice_seen(world, name, one) for one in notices],
        "tags": named(tags),
    }


def notice_seen(world: World, name: str, one: dict[str, str]) -> Properties:
    """One notification with its subscribers, in the provider's names."""
    answer = world.boto("budgets").describe_subscribers_for_notification(
        AccountId=ACCOUNT, BudgetName=name, Notification=one
    )
    lists: dict[str, list[str]] = {}
    for subscriber in answer["Subscribers"]:
        kind = "subscriberEmailAddresses" if subscriber["SubscriptionType"] == "EMAIL" else "subscriberSnsTopicArns"
        lists.setdefault(kind, []).append(subscriber["Address"])
    return {key[:1].lower() + key[1:]: value for key, value in one.items() if key != "NotificationState"} | lists


def raise_limit(world: World, made: Made) -> None:
    """Somebody raises the limit by hand."""
    budgets, name = world.boto("budgets"), made.text("name")
    found = budgets.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
    new = {key: found[key] for key in ("BudgetName", "BudgetType", "TimeUnit", "CostFilters")}
    budgets.update_budget(AccountId=ACCOUNT, NewBudget={**new, "BudgetLimit": {"Amount": "9999", "Unit": "USD"}})


def topic_seen(world: World, made: Made) -> Properties:
    """The topic."""
    sns = world.boto("sns")
    return {
        "displayName": sns.get_topic_attributes(TopicArn=made.id)["Attributes"]["DisplayName"],
        "tags": named(sns.list_tags_for_resource(ResourceArn=made.id)["Tags"]),
    }


def topic_policy(world: World) -> Properties:
    """Budgets may publish."""
    arn = topic(world).id
    return {"arn": arn, "policy": statement("Allow", {"Service": "budgets.amazonaws.com"}, "sns:Publish", arn)}


def subscription_seen(world: World, made: Made) -> Properties:
    """Subscribers of a topic, with their protocols."""
    found = world.boto("sns").get_subscription_attributes(SubscriptionArn=made.id)["Attributes"]
    return {
        "topic": found["TopicArn"],
        "protocol": found["Protocol"],
        "endpoint": found["Endpoint"],
        "filterPolicy": found["FilterPolicy"],
    }


CASES = (
    Case(
        token="aws:sns/topic:Topic",
        longest_name=255,
        declare=lambda world: {"displayName": "alerts", "tags": {"owner": "platform"}},
        observe=topic_seen,
        change={"displayName": "notices", "tags": {"owner": "backend"}},
        replace={"name": "another-topic"},
        drift=lambda world, made: world.boto("sns").set_topic_attributes(
            TopicArn=made.id, AttributeName="DisplayName", AttributeValue="drifted"
        ),
        drifted="displayName",
    ),
    Case(
        token="aws:sns/topicPolicy:TopicPolicy",
        declare=topic_policy,
        observe=lambda world, made: {
            "policy": world.boto("sns").get_topic_attributes(TopicArn=made.id)["Attributes"]["Policy"]
        },
        change={"policy": statement("Allow", {"Service": "cloudwatch.amazonaws.com"}, "sns:Publish", "*")},
        replace={"arn": "arn:aws:sns:us-east-1:123456789012:another"},
        drift=lambda world, made: world.boto("sns").set_topic_attributes(
            TopicArn=made.id, AttributeName="Policy", AttributeValue=statement("Allow", "*", "sns:Publish", "*")
        ),
        drifted="policy",
        remove_parent=lambda world, made: world.boto("sns").delete_topic(TopicArn=made.id),
    ),
    Case(
        token="aws:sns/topicSubscription:TopicSubscription",
        declare=lambda world: {
            "topic": topic(world).id,
            "protocol": "email",
            "endpoint": "ops@example.org",
            "filterPolicy": json.dumps({"severity": ["critical"]}),
        },
        observe=subscription_seen,
        change={"filterPolicy": json.dumps({"severity": ["critical", "high"]})},
        replace={"endpoint": "other@example.org"},
        drift=lambda world, made: world.boto("sns").set_subscription_attributes(
            SubscriptionArn=made.id, AttributeName="FilterPolicy", AttributeValue=json.dumps({"severity": ["low"]})
        ),
        drifted="filterPolicy",
    ),
    Case(
        token="aws:budgets/budget:Budget",
        longest_name=100,
        declare=budget,
        observe=budget_seen,
        change={
            "limitAmount": "1000",
            "notifications": [notice("ACTUAL", 90, "finance@example.org")],
            "tags": {"owner": "finance"},
        },
        replace={"name": "another-budget"},
        drift=raise_limit,
        drifted="limitAmount",
    ),
)
