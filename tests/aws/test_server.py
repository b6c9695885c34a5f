"""The server beside moto: who it talks to, how one run is told from the next, and the databases it lists."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from localcloud.aws.moto_s3 import applies
from localcloud.provider.serve import plugin_script
from localcloud.provider.values import Properties
from tests.aws.world import OTHER_REGION, Cloud, World, start_server

BUDGET_ACCOUNT = "123456789012"


def fetched(cloud: Cloud, path: str) -> object:
    with urllib.request.urlopen(cloud.endpoint + path, timeout=10) as answer:
        return json.load(answer)


def test_the_boot_id_names_one_run_of_the_server(cloud: Cloud, tmp_path: Path) -> None:
    assert fetched(cloud, "/localcloud/boot-id") == {"boot_id": cloud.boot_id}
    other = start_server(tmp_path / "ready.json")
    try:
        assert other.boot_id != cloud.boot_id
        assert fetched(other, "/localcloud/databases") == []
    finally:
        other.process.terminate()
        assert other.process.wait(timeout=10) == 0


def test_the_server_refuses_an_address_others_can_reach(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "localcloud.aws.server", "--host", "0.0.0.0"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd=str(Path.cwd()))
    assert refused.returncode != 0
    assert "--host is 0.0.0.0" in refused.stderr


def test_the_databases_of_every_region_are_listed_with_what_a_client_needs(world: World) -> None:
    inputs: Properties = {
        "engine": "postgres",
        "engineVersion": "17.4",
        "instanceClass": "db.t4g.micro",
        "allocatedStorage": 20,
        "username": "app",
        "password": "listed-password",
        "dbName": "contentgen",
        "skipFinalSnapshot": True,
    }
    source = world.make("aws:rds/instance:Instance", "source", inputs)
    replica: Properties = {
        "instanceClass": "db.t4g.micro",
        "replicateSourceDb": source.plain["arn"],
        "region": OTHER_REGION,
    }
    far = world.make("aws:rds/instance:Instance", "far", replica)
    cache_inputs: Properties = {
        "description": "cache",
        "nodeType": "cache.t4g.small",
        "transitEncryptionEnabled": True,
        "authToken": "a-token-of-some-length",
    }
    cache = world.make("aws:elasticache/replicationGroup:ReplicationGroup", "cache", cache_inputs)
    listed = {one["identifier"]: one for one in fetched(world.cloud, "/localcloud/databases")}
    assert listed[source.text("identifier")] == {
        "kind": "rds",
        "region": "us-east-1",
        "identifier": source.text("identifier"),
        "host": source.text("address"),
        "port": 5432,
        "user": "app",
        "password": "listed-password",
        "database": "contentgen",
        "replica_of": "",
        "reader_host": "",
        "shards": [],
    }
    assert listed[far.text("identifier")]["replica_of"] == source.text("arn")
    assert listed[far.text("identifier")]["region"] == OTHER_REGION
    assert listed[cache.id]["password"] == "a-token-of-some-length"
    assert listed[cache.id]["host"] == cache.text("primaryEndpointAddress")
    assert listed[cache.id]["reader_host"] == cache.text("readerEndpointAddress")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"Bool": {"aws:SecureTransport": False}}, False),
        ({"Bool": {"aws:SecureTransport": ["true"]}}, True),
        ({"BoolIfExists": {"AWS:securetransport": "false"}}, False),
        ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, False),
        ({"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}, "NumericLessThan": {"s3:TlsVersion": 1.2}}, False),
    ],
)
def test_a_condition_is_judged_as_of_a_secure_call(condition: dict[str, dict[str, str]], expected: bool) -> None:
    assert applies(condition) is expected


def test_a_budget_s_notices_can_be_changed_and_its_subscribers_listed(world: World) -> None:
    budgets, name = world.boto("budgets"), world.name("direct")
    limit = {"Amount": "50", "Unit": "USD"}
    budget = {"BudgetName": name, "BudgetType": "COST", "TimeUnit": "DAILY", "BudgetLimit": limit}
    notice = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
    subscribers = [{"SubscriptionType": "EMAIL", "Address": "ops@example.org"}]
    budgets.create_budget(
        AccountId=BUDGET_ACCOUNT,
        Budget=budget,
        NotificationsWithSubscribers=[{"Notification": notice, "Subscribers": subscribers}],
    )
    budgets.update_budget(
        AccountId=BUDGET_ACCOUNT, NewBudget={**budget, "BudgetLimit": {"Amount": "60", "Unit": "USD"}}
    )
    found = budgets.describe_budget(AccountId=BUDGET_ACCOUNT, BudgetName=name)["Budget"]
    assert float(found["BudgetLimit"]["Amount"]) == 60
    listed = budgets.describe_subscribers_for_notification(
        AccountId=BUDGET_ACCOUNT, BudgetName=name, Notification=notice
    )
    assert listed["Subscribers"] == subscribers


def test_an_update_of_a_budget_that_is_not_there_is_refused(world: World) -> None:
    budgets = world.boto("budgets")
    missing = {
        "BudgetName": "none",
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": "1", "Unit": "USD"},
    }
    with pytest.raises(budgets.exceptions.NotFoundException):
        budgets.update_budget(AccountId=BUDGET_ACCOUNT, NewBudget=missing)


def test_a_cache_group_in_use_is_not_taken_away(world: World) -> None:
    network = world.make("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.9.0.0/16"})
    subnet = world.make("aws:ec2/subnet:Subnet", "subnet", {"vpcId": network.id, "cidrBlock": "10.9.0.0/24"})
    subnets = world.make("aws:elasticache/subnetGroup:SubnetGroup", "subnets", {"subnetIds": [subnet.id]})
    inputs: Properties = {"description": "cache", "nodeType": "cache.t4g.small", "subnetGroupName": subnets.id}
    world.make("aws:elasticache/replicationGroup:ReplicationGroup", "cache", inputs)
    elasticache = world.boto("elasticache")
    with pytest.raises(elasticache.exceptions.CacheSubnetGroupInUse):
        elasticache.delete_cache_subnet_group(CacheSubnetGroupName=subnets.id)


@pytest.mark.parametrize("module", ["localcloud.aws.provider", "localcloud.random.provider"])
def test_the_plugin_script_starts_the_provider_from_any_folder(module: str, tmp_path: Path) -> None:
    script = tmp_path / "folder with spaces" / "pulumi-resource-test"
    script.parent.mkdir()
    script.write_text(plugin_script(Path(sys.executable), module))
    script.chmod(0o755)
    process = subprocess.Popen([script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert process.stdout is not None
        assert 0 < int(process.stdout.readline()) < 65536
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert errors == ""


def test_the_sdk_is_whole_for_whoever_imports_it_after_the_provider() -> None:
    program = (
        "import localcloud.provider.servicer as ours, pulumi, pulumi.runtime.proto.provider_pb2 as theirs\n"
        "assert ours.provider_pb2.CheckRequest() == theirs.CheckRequest()\n"
        "assert pulumi.Output.from_input(1) is not None and pulumi.runtime.proto is not None"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
