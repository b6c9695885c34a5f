"""Our own components, declared for real through the provider on the running server, and read back with boto3.

Pulumi's mocks are the engine here: each resource a component registers goes to the provider process, and what the
provider answers goes back to the component, so outputs flow as they do in a deployment.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pulumi
import pytest
from pulumi.runtime.settings import reset_options

from components.backup_bucket import BackupBucket, BackupBucketArgs
from components.budget import Budget, BudgetArgs
from components.data_network import DataNetwork, DataNetworkArgs
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.logins import Logins, Rotation
from components.postgres_managed import ManagedPostgres, ManagedPostgresArgs
from components.redis_managed import ManagedRedis, ManagedRedisArgs
from components.routing import HealthCheck, Routing, RoutingArgs
from components.store_alarms import Ceiling, StoreAlarms, StoreAlarmsArgs
from infra.catalog.regions import in_priority_order
from localcloud.aws.network import network_of
from localcloud.provider.values import Properties, reveal_all
from stacks.networking.dns_routing import edge_name, routing_table
from stacks.specs.store import DatabaseNames, Role
from tests.aws.driver import Driver, Made
from tests.aws.world import Cloud

ACCOUNT = "123456789012"
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


class ThroughProviders(pulumi.runtime.Mocks):
    """Hands every resource to its provider; components have none, so they only get an id."""

    def __init__(self, drivers: dict[str, Driver]) -> None:
        self.drivers = drivers
        self.made: list[Made] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, object]]:
        driver = self.drivers.get(args.typ.partition(":")[0])
        if driver is None:
            return args.name, args.inputs
        made = driver.create(args.typ, args.name, args.inputs)
        self.made.append(made)
        return made.id, reveal_all(made.state)

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, object]:
        raise AssertionError(f"a component called {args.token}; components call no functions")

    def of(self, token: str) -> list[Made]:
        """Everything made of one type."""
        return [made for made in self.made if made.token == token]


@pytest.fixture
def deploy(aws_driver: Driver, random_driver: Driver) -> Callable[[Callable[[], object]], ThroughProviders]:
    """Run a program to its end, with every resource really made."""

    def run(program: Callable[[], object]) -> ThroughProviders:
        engine = ThroughProviders({"aws": aws_driver, "random": random_driver})
        pulumi.runtime.set_mocks(engine, preview=False)
        try:
            pulumi.runtime.test(program)()
        finally:
            reset_options()
        return engine

    return run


Deploy = Callable[[Callable[[], object]], ThroughProviders]


def test_the_backup_bucket_is_encrypted_versioned_closed_tls_only_and_ages_out(deploy: Deploy, cloud: Cloud) -> None:
    made = deploy(lambda: BackupBucket("w04", BackupBucketArgs("us-east-1", 30, protected=False)))
    name, s3 = made.of("aws:s3/bucket:Bucket")[0].id, cloud.boto("s3")
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    key = made.of("aws:kms/key:Key")[0].text("arn")
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    ages = {one["Filter"]["Prefix"]: one["Expiration"]["Days"] for one in rules if "Expiration" in one}
    assert (ages["db/"], ages["wal/"], ages["config/"]) == (30, 7, 90)
    s3.put_object(Bucket=name, Key="db/dump", Body=b"data")
    assert s3.head_object(Bucket=name, Key="db/dump")["SSEKMSKeyId"] == key


LIMITS = [("content-generation", 1500), ("recipe-app", 1000), ("video-gateway", 1000)]


@pytest.mark.requirement("M01")
@pytest.mark.parametrize(("product", "limit"), LIMITS)
def test_the_budget_tells_sns_and_everybody_by_mail_of_actual_and_forecast_cost(
    deploy: Deploy, cloud: Cloud, product: str, limit: int
) -> None:
    args = BudgetArgs(product, "m01", limit, ("ops@example.org", "cto@example.org"), "us-east-1")
    made = deploy(lambda: Budget(f"m01-{product}", args))
    name, budgets = made.of("aws:budgets/budget:Budget")[0].text("name"), cloud.boto("budgets")
    budget = budgets.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
    assert (budget["TimeUnit"], float(budget["BudgetLimit"]["Amount"])) == ("MONTHLY", limit)
    assert f"user:contentgen:product${product}" in budget["CostFilters"]["TagKeyValue"]
    notices = budgets.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=name)["Notifications"]
    assert {one["NotificationType"] for one in notices} == {"ACTUAL", "FORECASTED"}
    topic = made.of("aws:sns/topic:Topic")[0].id
    for notice in notices:
        told = budgets.describe_subscribers_for_notification(AccountId=ACCOUNT, BudgetName=name, Notification=notice)[
            "Subscribers"
        ]
        assert {one["Address"] for one in told} == {topic, "ops@example.org", "cto@example.org"}


@pytest.mark.requirement("P03")
def test_a_stores_alarm_is_in_its_region_and_writes_to_a_topic_that_only_its_account_may_use(
    deploy: Deploy, cloud: Cloud
) -> None:
    dimensions = {"DBInstanceIdentifier": "p03-primary"}
    ceiling = Ceiling("connections", "AWS/RDS", "DatabaseConnections", dimensions, 80, 5, "set the next size", "page")
    made = deploy(lambda: StoreAlarms("p03", StoreAlarmsArgs("eu-west-1", (ceiling,), ("ops@example.org",))))
    topic, name = made.of("aws:sns/topic:Topic")[0].id, made.of("aws:cloudwatch/metricAlarm:MetricAlarm")[0].id
    (alarm,) = cloud.boto("cloudwatch", "eu-west-1").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert (alarm["MetricName"], alarm["Threshold"], alarm["EvaluationPeriods"]) == ("DatabaseConnections", 80, 5)
    assert (alarm["AlarmActions"], alarm["AlarmDescription"]) == ([topic], "set the next size; runbook: page")
    assert alarm["Dimensions"] == [{"Name": "DBInstanceIdentifier", "Value": "p03-primary"}]
    sns = cloud.boto("sns", "eu-west-1")
    (statement,) = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    told = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [(one["Protocol"], one["Endpoint"]) for one in told] == [("email", "ops@example.org")]


def test_the_three_region_routing_table_is_one_route_53_would_take(deploy: Deploy, cloud: Cloud) -> None:
    domain, regions = "three.example.org", in_priority_order(REGIONS)
    table = routing_table(regions, domain)
    args = RoutingArgs(
        domain=domain,
        edges={region.code: edge_name(region, domain) for region in regions},
        table=table,
        health=HealthCheck("/ready", 30, 3),
        ttl_seconds=60,
        protected=True,
    )
    made = deploy(lambda: Routing("three", args))
    zone = made.of("aws:route53/zone:Zone")[0].id
    sets = cloud.boto("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    seen = [one for one in sets if one["Type"] not in ("NS", "SOA")]
    assert len(seen) == len(table)
    assert {one["Name"].rstrip(".") for one in seen} == {record.name for record in table}


def managed_stores() -> None:
    """The managed databases of one region."""
    own = network_of("eu-west-1")
    network = DataNetwork(
        "stores-net", DataNetworkArgs("eu-west-1", own.vpc_id, own.subnet_ids, own.client_security_group_id)
    )
    key = EncryptionKey("stores-key", EncryptionKeyArgs("eu-west-1", "data", protected=True)).arn
    ManagedPostgres(
        "stores-pg",
        ManagedPostgresArgs(
            names=DatabaseNames("it", "it_admin", "it_", "it_owner_"),
            region="eu-west-1",
            network=network,
            version=16,
            instance_class="db.t4g.large",
            memory_gb=8,
            storage_gb=20,
            storage_limit_gb=100,
            max_connections=200,
            read_replicas=2,
            multi_az=True,
            protected=True,
            key=key,
            keeper="1",
        ),
    )
    ManagedRedis(
        "stores-rd",
        ManagedRedisArgs(
            group="stores-cache",
            region="eu-west-1",
            network=network,
            role=next(iter(Role)),
            node_type="cache.t4g.small",
            nodes=3,
            shards=None,
            protected=True,
            key=key,
            logins=Logins("stores-logins", Rotation()),
        ),
    )


def test_managed_databases_are_there_as_declared(deploy: Deploy, cloud: Cloud) -> None:
    made = deploy(managed_stores)
    instances = [one.text("identifier") for one in made.of("aws:rds/instance:Instance")]
    rds, elasticache = cloud.boto("rds", "eu-west-1"), cloud.boto("elasticache", "eu-west-1")
    primary, *replicas = (
        rds.describe_db_instances(DBInstanceIdentifier=one)["DBInstances"][0] for one in sorted(instances)
    )
    assert primary["KmsKeyId"] == made.of("aws:kms/key:Key")[0].text("arn")
    assert (primary["MultiAZ"], primary["StorageEncrypted"], primary["DeletionProtection"]) == (True, True, True)
    assert [one["ReadReplicaSourceDBInstanceIdentifier"] for one in replicas] == [primary["DBInstanceIdentifier"]] * 2
    cache = made.of("aws:elasticache/replicationGroup:ReplicationGroup")[0].id
    (group,) = elasticache.describe_replication_groups(ReplicationGroupId=cache)["ReplicationGroups"]
    assert len(group["MemberClusters"]) == 3
    assert (group["TransitEncryptionEnabled"], group["AtRestEncryptionEnabled"]) == (True, True)


def test_a_refresh_of_what_components_made_finds_no_drift(deploy: Deploy, aws_driver: Driver) -> None:
    made = deploy(lambda: BackupBucket("steady", BackupBucketArgs("us-east-1", 30, protected=False)))
    changed: dict[str, Properties] = {}
    for one in made.made:
        refreshed = aws_driver.refresh(one)
        assert refreshed is not None
        if refreshed.inputs != one.inputs:
            changed[one.urn] = refreshed.inputs
    assert len(made.made) == 8
    assert changed == {}
