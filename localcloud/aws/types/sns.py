"""SNS: topics, their access policies and subscriptions (alerts and budget notices go here, requirement M01)."""

from __future__ import annotations

from localcloud.aws import tags
from localcloud.aws.scope import Aws
from localcloud.provider.block import Block
from localcloud.provider.resource import AutoName, Created, ResourceType
from localcloud.provider.values import Properties

MISSING = frozenset({"NotFound", "NotFoundException"})
TAGS = tags.TagApi("sns", "tag_resource", "untag_resource", "list_tags_for_resource", "ResourceArn")
PENDING = frozenset({"pending confirmation", "PendingConfirmation"})
ACCOUNT_FIELD = 4
"""Position of the account in an ARN, counted from 0 between colons."""

TOPIC_ATTRIBUTES = {
    "displayName": "DisplayName",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "tracingConfig": "TracingConfig",
    "signatureVersion": "SignatureVersion",
}
SUBSCRIPTION_ATTRIBUTES = {
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "deliveryPolicy": "DeliveryPolicy",
}


def create_topic(aws: Aws, inputs: Block) -> Created:
    """SNS answers a repeated create with the topic that is there, so a retry is safe as it is."""
    attributes: Properties = {
        TOPIC_ATTRIBUTES[name]: inputs.text(name) for name in TOPIC_ATTRIBUTES if inputs.has(name)
    }
    answer = aws.call(
        "sns", "create_topic", Name=inputs.text("name"), Attributes=attributes, Tags=TAGS.listed(tags.wanted(inputs))
    )
    return Created(answer.text("TopicArn"))


def read_topic(aws: Aws, arn: str, known: Block) -> Properties | None:
    """The topic's attributes that were declared or are set; the policy SNS makes itself is an output."""
    answer = aws.find(MISSING, "sns", "get_topic_attributes", TopicArn=arn)
    if answer is None:
        return None
    attributes = answer.block("Attributes")
    settings: Properties = {
        name: attributes.number(api) if name == "signatureVersion" else attributes.text(api)
        for name, api in TOPIC_ATTRIBUTES.items()
        if attributes.text(api)
    }
    return {
        **settings,
        "name": arn.rpartition(":")[2],
        "arn": arn,
        "owner": arn.split(":")[ACCOUNT_FIELD],
        "region": aws.region,
        **tags.outputs(TAGS.found(aws, arn), known),
    }


def update_topic(aws: Aws, arn: str, before: Block, after: Block) -> None:
    """Attributes are set one by one."""
    for name, attribute in TOPIC_ATTRIBUTES.items():
        if before.text(name) != after.text(name):
            aws.call(
                "sns", "set_topic_attributes", TopicArn=arn, AttributeName=attribute, AttributeValue=after.text(name)
            )
    TAGS.change(aws, arn, before, after)


def delete_topic(aws: Aws, arn: str, _: Block) -> None:
    """Subscriptions go with it."""
    aws.remove(MISSING, "sns", "delete_topic", TopicArn=arn)


def put_topic_policy(aws: Aws, arn: str, inputs: Block) -> None:
    """A topic has exactly one policy."""
    aws.call("sns", "set_topic_attributes", TopicArn=arn, AttributeName="Policy", AttributeValue=inputs.text("policy"))


def create_topic_policy(aws: Aws, inputs: Block) -> Created:
    """The topic's ARN is the policy's id."""
    put_topic_policy(aws, inputs.text("arn"), inputs)
    return Created(inputs.text("arn"))


def read_topic_policy(aws: Aws, arn: str, _: Block) -> Properties | None:
    """The policy as long as its topic is there."""
    answer = aws.find(MISSING, "sns", "get_topic_attributes", TopicArn=arn)
    if answer is None or not answer.block("Attributes").text("Policy"):
        return None
    attributes = answer.block("Attributes")
    return {"arn": arn, "policy": attributes.text("Policy"), "owner": attributes.text("Owner"), "region": aws.region}


def delete_topic_policy(aws: Aws, arn: str, _: Block) -> None:
    """SNS cannot be without a policy: the default one, the owner's account only, comes back."""
    account = arn.split(":")[ACCOUNT_FIELD]
    statement = (
        '{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID",'
        '"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes",'
        '"SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe",'
        f'"SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"{arn}",'
        f'"Condition":{{"StringEquals":{{"AWS:SourceOwner":"{account}"}}}}}}]}}'
    )
    aws.remove(MISSING, "sns", "set_topic_attributes", TopicArn=arn, AttributeName="Policy", AttributeValue=statement)


def create_subscription(aws: Aws, inputs: Block) -> Created:
    """The ARN is asked for even while an e-mail address has not confirmed; SNS repeats it for a repeated create."""
    attributes: Properties = {
        api: inputs.text(name) for name, api in SUBSCRIPTION_ATTRIBUTES.items() if inputs.has(name)
    }
    answer = aws.call(
        "sns",
        "subscribe",
        TopicArn=inputs.text("topic"),
        Protocol=inputs.text("protocol"),
        Endpoint=inputs.text("endpoint"),
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    return Created(answer.text("SubscriptionArn"))


def read_subscription(aws: Aws, arn: str, _: Block) -> Properties | None:
    """The subscription's attributes."""
    answer = aws.find(MISSING, "sns", "get_subscription_attributes", SubscriptionArn=arn)
    if answer is None:
        return None
    found = answer.block("Attributes")
    settings: Properties = {
        name: found.flag(api) if name == "rawMessageDelivery" else found.text(api)
        for name, api in SUBSCRIPTION_ATTRIBUTES.items()
        if found.text(api)
    }
    return {
        **settings,
        "arn": arn,
        "topic": found.text("TopicArn"),
        "protocol": found.text("Protocol"),
        "endpoint": found.text("Endpoint"),
        "ownerId": found.text("Owner"),
        "pendingConfirmation": found.flag("PendingConfirmation"),
        "confirmationWasAuthenticated": found.flag("ConfirmationWasAuthenticated"),
        "region": aws.region,
    }


def update_subscription(aws: Aws, arn: str, before: Block, after: Block) -> None:
    """Attributes are set one by one."""
    for name, attribute in SUBSCRIPTION_ATTRIBUTES.items():
        if before.text(name) != after.text(name):
            aws.call(
                "sns",
                "set_subscription_attributes",
                SubscriptionArn=arn,
                AttributeName=attribute,
                AttributeValue=after.text(name),
            )


def delete_subscription(aws: Aws, arn: str, _: Block) -> None:
    """Remove the subscription; its address gets no further notification."""
    aws.remove(MISSING, "sns", "unsubscribe", SubscriptionArn=arn)


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:sns/topic:Topic",
        inputs=frozenset({*TOPIC_ATTRIBUTES, "name", "tags", "region"}),
        replace_on=frozenset({"name", "region"}),
        auto_name=AutoName(longest=255, source="pulumi-aws provider/autonaming.go"),
        also_computed=frozenset({"policy", "signatureVersion"}),
        create=create_topic,
        read=read_topic,
        update=update_topic,
        delete=delete_topic,
    ),
    ResourceType(
        token="aws:sns/topicPolicy:TopicPolicy",
        inputs=frozenset({"arn", "policy", "region"}),
        replace_on=frozenset({"arn", "region"}),
        create=create_topic_policy,
        read=read_topic_policy,
        update=lambda aws, arn, _, after: put_topic_policy(aws, arn, after),
        delete=delete_topic_policy,
    ),
    ResourceType(
        token="aws:sns/topicSubscription:TopicSubscription",
        inputs=frozenset({*SUBSCRIPTION_ATTRIBUTES, "topic", "protocol", "endpoint", "region"}),
        replace_on=frozenset({"topic", "protocol", "endpoint", "region"}),
        identity=("topic", "protocol", "endpoint"),
        create=create_subscription,
        read=read_subscription,
        update=update_subscription,
        delete=delete_subscription,
    ),
)
