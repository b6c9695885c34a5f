"""Every rule of AWS that the stand-in knows: one example breaks it and is refused in words."""

from __future__ import annotations

import json

import grpc
import pytest
from botocore.exceptions import ClientError

from localcloud.aws.rule import EVERY_TAGGED
from localcloud.aws.rules import RULES
from localcloud.aws.types import TYPES
from localcloud.provider.block import Block
from localcloud.provider.values import Properties
from ops.stack_files import read
from tests.aws.cases import TRUST, subnets, topic
from tests.aws.database_cases import GROUP, INSTANCE, subnet_group
from tests.aws.driver import Made
from tests.aws.test_every_type import CASES
from tests.aws.world import OTHER_REGION, World
from tests.unit.program import ROOT, STACKS, declared

RDS = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
ALARM: Properties = {
    "comparisonOperator": "GreaterThanThreshold",
    "evaluationPeriods": 5,
    "metricName": "Errors",
    "namespace": "contract",
    "period": 60,
    "threshold": 1,
    "statistic": "Sum",
}
NOTICE: Properties = {
    "comparisonOperator": "GREATER_THAN",
    "notificationType": "ACTUAL",
    "threshold": 80,
    "thresholdType": "PERCENTAGE",
}
BUDGET: Properties = {"budgetType": "COST", "timeUnit": "MONTHLY", "limitAmount": "5", "limitUnit": "USD"}
CHECK: Properties = {"type": "HTTPS", "fqdn": "a.example.org", "port": 443, "requestInterval": 30}
RECORD: Properties = {"zoneId": "Z1", "name": "a", "type": "TXT", "ttl": 60}


def policy(action: str, **more: object) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Action": action}]})


def parameter(name: str, value: str, **more: object) -> Properties:
    return {"parameters": [{"name": name, "value": value, **more}]}


def moved(days: int, kind: str, expired: int) -> Properties:
    rule = {"id": "a", "status": "Enabled", "expiration": {"days": expired}}
    return {"bucket": "b", "rules": [{**rule, "transitions": [{"days": days, "storageClass": kind}]}]}


BROKEN: dict[str, Properties] = {
    "rds-class": {**INSTANCE, "instanceClass": "db.nonsense"},
    "rds-version": {**INSTANCE, "engineVersion": "99.1"},
    "rds-identifier": {**INSTANCE, "identifier": "a--b"},
    "rds-storage": {**INSTANCE, "allocatedStorage": 5},
    "rds-iops": {**INSTANCE, "allocatedStorage": 20, "iops": 16_000},
    "rds-growth": {**INSTANCE, "allocatedStorage": 100, "maxAllocatedStorage": 109},
    "rds-monitoring-interval": {**INSTANCE, "monitoringInterval": 7, "monitoringRoleArn": "arn:aws:iam::1:role/a"},
    "rds-monitoring-role": {**INSTANCE, "monitoringInterval": 60},
    "rds-insights-retention": {**INSTANCE, "performanceInsightsRetentionPeriod": 8},
    "rds-logs": {**INSTANCE, "enabledCloudwatchLogsExports": ["nonsense"]},
    "rds-username": {**INSTANCE, "username": "admin"},
    "rds-password": {**INSTANCE, "password": "pass/word@all"},
    "rds-default-group": {**INSTANCE, "parameterGroupName": "default.postgres13"},
    "rds-family": {"family": "postgres99"},
    "rds-static-parameter": {"family": "postgres17", **parameter("max_connections", "5", applyMethod="immediate")},
    "cache-node": {**GROUP, "nodeType": "cache.nonsense"},
    "cache-version": {**GROUP, "engineVersion": "77"},
    "cache-identifier": {**GROUP, "replicationGroupId": "1st"},
    "cache-token": {**GROUP, "authToken": "a token of words"},
    "cache-family": {"family": "redis77"},
    "cache-eviction": {"family": "redis7", **parameter("maxmemory-policy", "forget-it")},
    "alarm-period": {**ALARM, "period": 77},
    "alarm-window": {**ALARM, "evaluationPeriods": 5000},
    "alarm-datapoints": {**ALARM, "datapointsToAlarm": 6},
    "alarm-region": {**ALARM, "alarmActions": [f"arn:aws:sns:{OTHER_REGION}:123456789012:topic"]},
    "budget-notices": {**BUDGET, "notifications": [NOTICE] * 6},
    "budget-addresses": {
        **BUDGET,
        "notifications": [{**NOTICE, "subscriberEmailAddresses": [f"a{one}@example.org" for one in range(11)]}],
    },
    "subscription-address": {"topic": "arn", "protocol": "email", "endpoint": "nobody"},
    "zone-reserved": {"name": "example.com"},
    "record-string": {**RECORD, "records": ["x" * 256]},
    "check-path": {**CHECK, "resourcePath": "ready"},
    "check-address": {"type": "HTTP", "ipAddress": "10.0.0.1", "port": 80},
    "role-trust-size": {"assumeRolePolicy": TRUST + "x" * 2048},
    "role-policy-size": {"role": "a", "policy": "x" * 10_241},
    "key-policy-lockout": {"keyId": "k", "policy": policy("kms:Decrypt")},
    "topic-policy-actions": {"arn": "a", "policy": policy("s3:GetObject")},
    "secret-name": {"name": "a b!"},
    "secret-size": {"secretId": "s", "secretString": "x" * 65_537},
    "group-description": {"description": "the team's"},
    "group-rule-description": {"securityGroupId": "sg-1", "ipProtocol": "tcp", "description": "a > b"},
    "rds-parameter-name": {"family": "postgres17", "parameters": [{"name": "work_memory", "value": "1"}]},
    "cache-parameter-name": {"family": "redis7", "parameters": [{"name": "maxmemory", "value": "1"}]},
    "tags": {"tags": {"aws:x": "y"}},
    "bucket-name": {"bucket": "Upper_Case"},
    "bucket-policy-actions": {"bucket": "b", "policy": policy("ec2:RunInstances")},
    "bucket-policy-public": {"bucket": "b", "policy": policy("s3:GetObject", Principal="*")},
    "lifecycle-order": moved(60, "GLACIER", 50),
    "lifecycle-infrequent": moved(10, "STANDARD_IA", 90),
    **{rule: inputs for case in CASES.values() for rule, inputs in case.broken.items()},
}


def test_every_rule_has_an_example_and_a_source() -> None:
    assert [rule.name for rule in RULES] == list(dict.fromkeys(rule.name for rule in RULES))
    assert set(BROKEN) == {rule.name for rule in RULES}
    assert all(rule.source and rule.allowed for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_breaks_a_rule_is_refused_with_its_value_and_what_is_allowed(world: World, rule) -> None:
    token = "aws:sns/topic:Topic" if rule.token == EVERY_TAGGED else rule.token
    reason = world.driver.check(token, "thing", BROKEN[rule.name]).failures[rule.key]
    assert f"{rule.key} is " in reason
    assert rule.allowed in reason
    assert rule.source in reason


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_of_every_stack_keeps_every_rule(stack: str) -> None:
    found = []
    for one in declared(stack, read(ROOT, stack)).resources:
        if one.type in TYPES:
            inputs = Block(one.inputs)  # type: ignore[arg-type]
            found += [
                f"{one.name}: {rule.name}"
                for rule in RULES
                if rule.holds_for(TYPES[one.type]) and rule.broken_by(inputs)
            ]
    assert found == []


@pytest.mark.parametrize(("name", "value"), [("allocatedStorage", 20), ("engineVersion", "16.1")])
def test_a_database_neither_shrinks_nor_changes_its_major_version(world: World, name: str, value: object) -> None:
    inputs: Properties = {**INSTANCE, "allocatedStorage": 40, "applyImmediately": True}
    made = world.make(RDS, "database", inputs)
    with pytest.raises(grpc.RpcError) as error:
        world.driver.update(made, {**inputs, name: value})
    assert name in error.value.details()


def test_a_replica_of_a_source_without_backups_is_refused(world: World) -> None:
    source = world.make(RDS, "source", {**INSTANCE, "backupRetentionPeriod": 0})
    replica: Properties = {"instanceClass": "db.t4g.micro", "replicateSourceDb": source.plain["identifier"]}
    with pytest.raises(grpc.RpcError) as error:
        world.make(RDS, "replica", {**replica, "skipFinalSnapshot": True})
    assert "automated backups" in error.value.details()


def test_a_change_without_apply_immediately_waits_for_the_maintenance_window(world: World) -> None:
    made = world.make(RDS, "database", INSTANCE)
    wanted: Properties = {**INSTANCE, "instanceClass": "db.t4g.large", "backupRetentionPeriod": 9}
    waiting = world.driver.update(made, wanted)
    refreshed = world.driver.refresh(waiting)
    assert refreshed is not None
    assert (refreshed.text("instanceClass"), refreshed.plain["backupRetentionPeriod"]) == ("db.t4g.medium", 9)
    done = world.driver.update(refreshed, {**wanted, "applyImmediately": True})
    assert _seen(world, done)["DBInstanceClass"] == "db.t4g.large"


def test_a_change_of_a_cache_without_apply_immediately_waits_for_the_maintenance_window(world: World) -> None:
    made = world.make(CACHE, "cache", GROUP)
    wanted: Properties = {**GROUP, "nodeType": "cache.t4g.medium", "description": "another"}
    refreshed = world.driver.refresh(world.driver.update(made, wanted))
    assert refreshed is not None
    assert (refreshed.text("nodeType"), refreshed.text("description")) == ("cache.t4g.small", "another")
    done = world.driver.refresh(world.driver.update(refreshed, {**wanted, "applyImmediately": True}))
    assert done is not None
    assert done.text("nodeType") == "cache.t4g.medium"


def test_an_e_mail_subscription_reaches_nobody_until_it_is_confirmed(world: World) -> None:
    arn = topic(world).id
    inputs: Properties = {"topic": arn, "protocol": "email", "endpoint": "ops@example.org"}
    made = world.make("aws:sns/topicSubscription:TopicSubscription", "mail", inputs)
    assert made.plain["pendingConfirmation"] is True
    with pytest.raises(ClientError, match="Invalid parameter: Token"):
        world.boto("sns").confirm_subscription(TopicArn=arn, Token="a guess")
    world.boto("sns").confirm_subscription(TopicArn=arn, Token=made.id.rpartition(":")[2])
    confirmed = world.driver.refresh(made)
    assert confirmed is not None
    assert confirmed.plain["pendingConfirmation"] is False


def _seen(world: World, made: Made) -> dict[str, object]:
    return world.boto("rds").describe_db_instances(DBInstanceIdentifier=made.text("identifier"))["DBInstances"][0]


def test_a_database_subnet_group_in_one_zone_is_refused(world: World) -> None:
    inputs = {**subnet_group(world), "subnetIds": subnets(world)[:1]}
    with pytest.raises(grpc.RpcError) as error:
        world.make("aws:rds/subnetGroup:SubnetGroup", "group", inputs)
    assert "DBSubnetGroupDoesNotCoverEnoughAZs" in error.value.details()


def test_a_zone_with_records_of_others_is_not_deleted(world: World) -> None:
    made = world.make("aws:route53/zone:Zone", "zone", {"name": f"r{world.number}.example.org"})
    record = {
        "Name": f"a.r{world.number}.example.org",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.1"}],
    }
    world.boto("route53").change_resource_record_sets(
        HostedZoneId=made.id, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    with pytest.raises(grpc.RpcError) as error:
        world.driver.delete(made)
    assert "HostedZoneNotEmpty" in error.value.details()
