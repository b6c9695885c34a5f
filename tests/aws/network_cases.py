"""Cases of SNS, Budgets, Route 53 and EC2."""

from __future__ import annotations

import json

from localcloud.provider.values import Properties
from tests.aws.cases import Case, group, named, statement, topic, vpc, zone
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
    """Who is told, and how."""
    found = world.boto("sns").get_subscription_attributes(SubscriptionArn=made.id)["Attributes"]
    return {
        "topic": found["TopicArn"],
        "protocol": found["Protocol"],
        "endpoint": found["Endpoint"],
        "filterPolicy": found["FilterPolicy"],
    }


def zone_seen(world: World, made: Made) -> Properties:
    """The zone."""
    route53 = world.boto("route53")
    found = route53.get_hosted_zone(Id=made.id)["HostedZone"]
    tags = route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=made.id)["ResourceTagSet"]["Tags"]
    return {"name": found["Name"].rstrip("."), "comment": found["Config"]["Comment"], "tags": named(tags)}


def check_seen(world: World, made: Made) -> Properties:
    """The health check."""
    found = world.boto("route53").get_health_check(HealthCheckId=made.id)["HealthCheck"]["HealthCheckConfig"]
    return {
        "fqdn": found["FullyQualifiedDomainName"],
        "resourcePath": found["ResourcePath"],
        "requestInterval": found["RequestInterval"],
        "failureThreshold": found["FailureThreshold"],
    }


def record_seen(world: World, made: Made) -> Properties:
    """The record in its zone."""
    found = record_set(world, made)
    return {"ttl": found["TTL"], "records": [one["Value"] for one in found["ResourceRecords"]], "type": found["Type"]}


def record_set(world: World, made: Made) -> dict[str, object]:
    """The record as Route 53 has it."""
    answer = world.boto("route53").list_resource_record_sets(HostedZoneId=made.text("zoneId"))
    return next(one for one in answer["ResourceRecordSets"] if one["Name"] == made.text("fqdn") + ".")


def redirect(world: World, made: Made) -> None:
    """Somebody sends the name elsewhere."""
    world.boto("route53").change_resource_record_sets(
        HostedZoneId=made.text("zoneId"),
        ChangeBatch={
            "Changes": [
                {
                    "Action": "UPSERT",
                    "ResourceRecordSet": {
                        "Name": made.text("fqdn"),
                        "Type": "A",
                        "TTL": 60,
                        "ResourceRecords": [{"Value": "192.0.2.99"}],
                    },
                }
            ]
        },
    )


def vpc_seen(world: World, made: Made) -> Properties:
    """The network."""
    ec2 = world.boto("ec2")
    found = ec2.describe_vpcs(VpcIds=[made.id])["Vpcs"][0]
    names = ec2.describe_vpc_attribute(VpcId=made.id, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
    return {"cidrBlock": found["CidrBlock"], "enableDnsHostnames": names, "tags": named(found["Tags"])}


def subnet_seen(world: World, made: Made) -> Properties:
    """The subnet."""
    found = world.boto("ec2").describe_subnets(SubnetIds=[made.id])["Subnets"][0]
    return {
        "cidrBlock": found["CidrBlock"],
        "vpcId": found["VpcId"],
        "mapPublicIpOnLaunch": found["MapPublicIpOnLaunch"],
        "tags": named(found["Tags"]),
    }


def group_seen(world: World, made: Made) -> Properties:
    """The security group."""
    found = world.boto("ec2").describe_security_groups(GroupIds=[made.id])["SecurityGroups"][0]
    assert found["IpPermissionsEgress"] == [], "the rule AWS starts a group with is still there"
    return {"description": found["Description"], "vpcId": found["VpcId"], "tags": named(found["Tags"])}


def rule_seen(world: World, made: Made) -> Properties:
    """The rule, and its tags."""
    found = world.boto("ec2").describe_security_group_rules(SecurityGroupRuleIds=[made.id])["SecurityGroupRules"][0]
    assert found["IsEgress"] == ("Egress" in made.token)
    return {
        "securityGroupId": found["GroupId"],
        "ipProtocol": found["IpProtocol"],
        "cidrIpv4": found["CidrIpv4"],
        "tags": named(found["Tags"]),
    }


def retag(world: World, made: Made) -> None:
    """Somebody changes a tag by hand."""
    world.boto("ec2").create_tags(Resources=[made.id], Tags=[{"Key": "owner", "Value": "nobody"}])


RULE = {"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "cidrIpv4": "10.0.0.0/8", "tags": {"owner": "platform"}}

CASES = (
    Case(
        token="aws:sns/topic:Topic",
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
    Case(
        token="aws:route53/zone:Zone",
        declare=lambda world: {"name": f"z{world.number}.example.net", "comment": "api", "tags": {"owner": "platform"}},
        observe=zone_seen,
        change={"comment": "the api", "tags": {"owner": "backend"}},
        replace={"name": "another.example.net"},
        drift=lambda world, made: world.boto("route53").update_hosted_zone_comment(Id=made.id, Comment="drifted"),
        drifted="comment",
    ),
    Case(
        token="aws:route53/healthCheck:HealthCheck",
        declare=lambda world: {
            "type": "HTTPS",
            "fqdn": f"us{world.number}.example.org",
            "port": 443,
            "resourcePath": "/ready",
            "requestInterval": 10,
            "failureThreshold": 3,
        },
        observe=check_seen,
        change={"resourcePath": "/health", "failureThreshold": 2},
        replace={"requestInterval": 30},
        drift=lambda world, made: world.boto("route53").update_health_check(HealthCheckId=made.id, FailureThreshold=9),
        drifted="failureThreshold",
    ),
    Case(
        token="aws:route53/record:Record",
        declare=lambda world: {
            "zoneId": zone(world).id,
            "name": f"api.z{world.number}.example.org",
            "type": "A",
            "ttl": 60,
            "records": ["192.0.2.1"],
        },
        observe=record_seen,
        change={"records": ["192.0.2.2", "192.0.2.3"], "ttl": 30},
        replace={"name": "other"},
        drift=redirect,
        drifted="records",
    ),
    Case(
        token="aws:ec2/vpc:Vpc",
        declare=lambda world: {"cidrBlock": "10.1.0.0/16", "enableDnsHostnames": True, "tags": {"owner": "platform"}},
        observe=vpc_seen,
        change={"enableDnsHostnames": False, "tags": {"owner": "backend"}},
        replace={"cidrBlock": "10.2.0.0/16"},
        drift=retag,
        drifted="tags",
    ),
    Case(
        token="aws:ec2/subnet:Subnet",
        declare=lambda world: {
            "vpcId": vpc(world).id,
            "cidrBlock": "10.9.7.0/24",
            "availabilityZone": "us-east-1a",
            "mapPublicIpOnLaunch": False,
            "tags": {"owner": "platform"},
        },
        observe=subnet_seen,
        change={"mapPublicIpOnLaunch": True, "tags": {"owner": "backend"}},
        replace={"cidrBlock": "10.9.8.0/24"},
        drift=retag,
        drifted="tags",
    ),
    Case(
        token="aws:ec2/securityGroup:SecurityGroup",
        declare=lambda world: {"description": "database", "vpcId": vpc(world).id, "tags": {"owner": "platform"}},
        observe=group_seen,
        change={"tags": {"owner": "backend"}},
        replace={"description": "cache"},
        drift=retag,
        drifted="tags",
    ),
    Case(
        token="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        declare=lambda world: {"securityGroupId": group(world).id, **RULE},
        observe=rule_seen,
        change={"tags": {"owner": "backend"}},
        replace={"cidrIpv4": "10.1.0.0/16"},
        drift=retag,
        drifted="tags",
    ),
    Case(
        token="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        declare=lambda world: {"securityGroupId": group(world).id, **RULE},
        observe=rule_seen,
        change={"tags": {"owner": "backend"}},
        replace={"fromPort": 6379, "toPort": 6379},
        drift=retag,
        drifted="tags",
    ),
)
