"""Whole stacks: what is declared, what is not, and that nothing leaks or clashes."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from infra.catalog.regions import REGIONS
from tests.unit.engine import CANARY, Declared, RecordingEngine
from tests.unit.program import CONTENT_STACKS, Declare

ONCE = {
    "contentgen:audit:LogBucket",
    "contentgen:backup:BackupAlarms",
    "contentgen:backup:BackupBucket",
    "contentgen:cost:Budget",
    "contentgen:data:ApplicationKeys",
    "contentgen:edge:Routing",
}
OWN = {
    "local": {},
    "dev": {"contentgen:kubernetes:ApplicationJob": 1, "contentgen:kubernetes:TeamAccess": 1},
    "staging": {
        "contentgen:audit:AuditTrail": 1,
        "contentgen:data:EncryptionKey": 1,
        "contentgen:kubernetes:TeamAccess": 2,
    },
    "prod": {
        "contentgen:audit:AuditTrail": 1,
        "contentgen:data:EncryptionKey": 1,
        "contentgen:kubernetes:TeamAccess": 9,
    },
}
"""Resources of an environment beside those that all have: made-up data, an audit trail with its key, teams by region.
"""

REGIONAL = {
    "contentgen:data:ApplicationSecrets": 1,
    "contentgen:data:EncryptionKey": 1,
    "contentgen:data:Logins": 4,
    "contentgen:data:PgBouncer": 1,
    "contentgen:edge:Certificate": 1,
    "contentgen:edge:Edge": 1,
    "contentgen:kubernetes:ApplicationJob": 6,
    "contentgen:kubernetes:Autoscaler": 3,
    "contentgen:kubernetes:GenerationService": 4,
    "contentgen:kubernetes:Namespace": 1,
    "contentgen:kubernetes:QueueScaler": 1,
    "contentgen:kubernetes:Quota": 1,
    "contentgen:observability:AlertRules": 1,
    "contentgen:observability:PodMonitor": 1,
}
IDLING = {"contentgen:kubernetes:Autoscaler": 1, "contentgen:kubernetes:IdleScaler": 2}
"""Staging's autoscalers: it alone begins with two instances outside production."""
IN_CLUSTER = {
    "contentgen:data:ClusterPostgres": 1,
    "contentgen:data:ClusterRedis": 2,
    "contentgen:data:StatefulStore": 3,
}
MANAGED = {
    "contentgen:data:DataNetwork": 1,
    "contentgen:data:ManagedPostgres": 1,
    "contentgen:data:ManagedRedis": 2,
    "contentgen:observability:StoreAlarms": 1,
}
BACKUP_ALARMS = "-backup-alarms-"
"""All in one region, where their topic is; their names say whose silence they notice."""
GLOBAL_SERVICES = ("aws:budgets/", "aws:route53/", "aws:iam/")
LABELS = ("name", "instance", "component", "part-of", "managed-by")


def region_of(one: Declared) -> str | None:
    """The region that a name has, in full or in short."""
    named = (region.code for region in REGIONS if region.code in one.name or f"-{region.short}-" in one.name)
    return next(named, None)


def kubernetes(engine: RecordingEngine) -> list[Declared]:
    return [one for one in engine.resources if one.type.startswith("kubernetes:")]


@pytest.mark.parametrize(
    ("stack", "regions", "stores"),
    [("local", 1, IN_CLUSTER), ("dev", 1, IN_CLUSTER), ("staging", 1, MANAGED), ("prod", 3, MANAGED)],
)
def test_a_stack_is_made_of_exactly_these_components(
    declare: Declare, stack: str, regions: int, stores: dict[str, int]
) -> None:
    components = Counter(one.type for one in declare(stack).resources if one.type.startswith("contentgen:"))
    scalers = IDLING if stack == "staging" else {}
    regional = Counter({type_: count * regions for type_, count in {**REGIONAL, **scalers, **stores}.items()})
    assert components == Counter(ONCE) + Counter({"contentgen:stack:Region": regions}) + regional + Counter(OWN[stack])


@pytest.mark.requirement("G01")
def test_each_of_the_three_regions_has_services_data_and_edge_of_its_own(declare: Declare) -> None:
    prod = declare("prod")
    for region in REGIONS:
        own = [one for one in prod.resources if region_of(one) == region.code]
        kinds = Counter(one.type for one in own)
        assert kinds["kubernetes:apps/v1:Deployment"] == 5
        assert kinds["aws:rds/instance:Instance"] == 2
        assert kinds["aws:elasticache/replicationGroup:ReplicationGroup"] == 2
        assert kinds["kubernetes:gateway.networking.k8s.io/v1:Gateway"] == 1
        providers = {one.provider.split("::")[-2] for one in own if one.type.startswith("kubernetes:")}
        assert providers == {f"kubernetes-{region.code}"}


def test_every_resource_in_a_region_of_aws_says_which_region(every: RecordingEngine) -> None:
    aws = [one for one in every.resources if one.type.startswith("aws:")]
    assert aws
    for one in aws:
        if one.type.startswith(GLOBAL_SERVICES):
            assert one.at("region") is None or one.type == "aws:route53/record:Record"
        else:
            own = None if BACKUP_ALARMS in one.name else region_of(one)
            assert one.at("region") == (own or "us-east-1"), f"{one.name} is in {one.at('region')}"


@pytest.mark.parametrize("stack", ["local", "dev"])
def test_stacks_whose_data_may_be_made_again_pay_for_no_managed_store(declare: Declare, stack: str) -> None:
    kinds = {one.type.split("/")[0] for one in declare(stack).resources}
    assert not kinds & {"aws:rds", "aws:elasticache", "aws:ec2", "aws:vpc"}


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_stacks_with_managed_stores_run_none_in_the_cluster(declare: Declare, stack: str) -> None:
    assert declare(stack).of("StatefulSet") == []


def test_only_production_protects_what_cannot_be_made_again(declare: Declare) -> None:
    kept = {stack: Counter(one.type for one in declare(stack).resources if one.protect) for stack in CONTENT_STACKS}
    assert kept.pop("prod") == {
        "aws:elasticache/replicationGroup:ReplicationGroup": 6,
        "aws:kms/key:Key": 5,
        "aws:rds/instance:Instance": 3,
        "aws:route53/zone:Zone": 1,
        "aws:s3/bucket:Bucket": 2,
    }
    assert not any(kept.values())


def test_production_databases_refuse_deletion_and_leave_a_last_snapshot(declare: Declare) -> None:
    def careful(one: Declared) -> tuple[object, object]:
        return one.at("deletionProtection"), one.at("skipFinalSnapshot")

    primaries = {stack: _primaries(declare(stack)) for stack in ("staging", "prod")}
    assert [careful(one) for one in primaries["staging"]] == [(False, True)]
    assert [careful(one) for one in primaries["prod"]] == [(True, False)] * 3
    assert all(one.at("finalSnapshotIdentifier") for one in primaries["prod"])


def _primaries(engine: RecordingEngine) -> list[Declared]:
    return [one for one in engine.of("rds/instance:Instance") if one.name.endswith("-primary")]


def test_no_password_is_in_any_input_that_is_not_secret(every: RecordingEngine) -> None:
    carriers = [one for one in every.resources if CANARY in json.dumps(one.inputs)]
    assert {one.type for one in carriers} >= {
        "kubernetes:core/v1:Secret",
        "aws:secretsmanager/secretVersion:SecretVersion",
    }
    leaks = [one.name for one in every.resources if CANARY in json.dumps(one.visible)]
    assert leaks == []


def test_passwords_go_to_secrets_and_stores_and_nowhere_else(every: RecordingEngine) -> None:
    carriers = {one.type for one in every.resources if CANARY in json.dumps(one.inputs)}
    assert carriers <= {
        "kubernetes:core/v1:Secret",
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:rds/instance:Instance",
        "aws:elasticache/replicationGroup:ReplicationGroup",
    }


def test_no_two_resources_share_a_urn_or_an_object_of_a_cluster(every: RecordingEngine) -> None:
    urns = Counter(one.urn for one in every.resources)
    assert [urn for urn, count in urns.items() if count > 1] == []
    objects = Counter(
        (one.provider, one.type, one.at("metadata", "namespace"), one.at("metadata", "name"))
        for one in kubernetes(every)
        if one.at("metadata", "name") is not None
    )
    assert [name for name, count in objects.items() if count > 1] == []


def test_every_object_carries_the_recommended_labels_and_stands_in_the_namespace(each: RecordingEngine) -> None:
    for one in kubernetes(each):
        for label in LABELS:
            assert one.at("metadata", "labels", f"app.kubernetes.io/{label}"), f"{one.name} lacks {label}"
        assert one.at("metadata", "labels", "app.kubernetes.io/part-of") == "contentgen"
        if not one.type.endswith(":Namespace"):
            assert one.at("metadata", "namespace") == "contentgen"


def test_every_child_has_a_component_as_its_parent(every: RecordingEngine) -> None:
    orphans = [one.name for one in every.resources if one.custom and not one.parent and "providers" not in one.type]
    assert orphans == []
