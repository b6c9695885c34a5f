"""The data stores of a stack: in the cluster or managed, with the documents' figures, behind the same addresses."""

from __future__ import annotations

import pytest

from infra.settings.stack import StackSettings
from infra.settings.stores import RedisSettings
from ops.stack_files import read
from stacks.stack_files import parse
from tests.unit.engine import Declared, Json, RecordingEngine
from tests.unit.program import ROOT, Declare, declared

KEYS = {"database_url", "database_url_direct", "database_read_url", "redis_url", "redis_queue_url"}


def settings(environment: str, **values: object) -> StackSettings:
    least = {"environment": environment, "domain": "example.com", "regions": ["us-east-1"]}
    return parse(environment, {**least, **values})


def addresses(engine: RecordingEngine, region: str = "us-east-1") -> dict[str, str]:
    """Addresses that the services of a region connect to."""
    secret = engine.one("core/v1:Secret", f"{region}-secrets-secret").at("stringData")
    assert isinstance(secret, dict)
    return {key: str(value) for key, value in secret.items()}


def parameters(one: Declared) -> dict[Json, Json]:
    """A parameter group's values by name."""
    found = one.at("parameters")
    assert isinstance(found, list)
    return {parameter["name"]: parameter["value"] for parameter in found if isinstance(parameter, dict)}


@pytest.mark.requirement("P04")
@pytest.mark.parametrize(
    ("environment", "values", "kinds"),
    [
        ("dev", {}, (0, 0, 3)),
        ("dev", {"postgres": {"backend": "managed"}}, (1, 0, 2)),
        ("dev", {"redis": {"backend": "managed"}}, (0, 2, 1)),
        ("staging", {}, (1, 2, 0)),
        ("staging", {"postgres": {"backend": "cluster"}, "redis": {"backend": "cluster"}}, (0, 0, 3)),
    ],
)
def test_each_store_is_where_the_stack_puts_it_and_services_see_the_same_addresses(
    environment: str, values: dict[str, object], kinds: tuple[int, int, int]
) -> None:
    engine = declared(environment, settings(environment, **values))
    found = [len(engine.of(kind)) for kind in ("rds/instance:Instance", "ReplicationGroup", "StatefulSet")]
    assert tuple(found) == kinds
    seen = addresses(engine)
    assert set(seen) == KEYS
    managed_database, managed_cache = kinds[0] > 0, kinds[1] > 0
    assert ("sslmode=require" in seen["database_url_direct"]) == managed_database
    assert {seen[key].startswith("rediss://") for key in ("redis_url", "redis_queue_url")} == {managed_cache}


@pytest.mark.requirement("P01")
def test_production_databases_have_the_documents_size_replica_and_parameters(declare: Declare) -> None:
    prod = declare("prod")
    primaries = [one for one in prod.of("rds/instance:Instance") if one.name.endswith("-primary")]
    replicas = [one for one in prod.of("rds/instance:Instance") if "-replica-" in one.name]
    assert (len(primaries), len(replicas)) == (3, 3)
    for one in primaries:
        # 2 CPUs and 8 GiB in AWS's table of instance classes.
        assert one.at("instanceClass") == "db.t4g.large"
        assert int(str(one.at("engineVersion"))) >= 15
        assert one.at("multiAz")
    for one in prod.of("rds/parameterGroup:ParameterGroup"):
        set_ = parameters(one)
        assert set_["max_connections"] == "200"
        # RDS counts the first two in blocks of 8 KiB and the third in KiB.
        assert int(str(set_["shared_buffers"])) * 8192 == 2 * 2**30
        assert int(str(set_["effective_cache_size"])) * 8192 == 6 * 2**30
        assert int(str(set_["work_mem"])) * 1024 == 16 * 2**20


@pytest.mark.requirement("P01")
def test_a_database_in_the_cluster_is_started_with_the_same_parameters(declare: Declare) -> None:
    server = declare("local").one("StatefulSet", "postgres-server")
    arguments = server.at("spec", "template", "spec", "containers", 0, "args")
    assert isinstance(arguments, list)
    given = dict(str(value).split("=", 1) for value in arguments if value != "-c")
    wanted = {"max_connections": "200", "shared_buffers": "2GB", "effective_cache_size": "6GB", "work_mem": "16MB"}
    assert wanted.items() <= given.items()
    limits = server.at("spec", "template", "spec", "containers", 0, "resources", "limits")
    assert isinstance(limits, dict)
    assert (limits["cpu"], limits["memory"]) == ("2000m", "8Gi")


@pytest.mark.requirement("P05")
def test_the_statistics_of_statements_are_loaded_into_every_database(declare: Declare) -> None:
    for one in declare("prod").of("rds/parameterGroup:ParameterGroup"):
        assert parameters(one)["shared_preload_libraries"] == "pg_stat_statements"
    server = declare("local").one("StatefulSet", "postgres-server")
    arguments = server.at("spec", "template", "spec", "containers", 0, "args")
    assert isinstance(arguments, list)
    assert "shared_preload_libraries=pg_stat_statements" in arguments


def test_readers_use_the_replica_where_there_is_one(declare: Declare) -> None:
    prod, local = addresses(declare("prod")), addresses(declare("local"))
    assert prod["database_read_url"].endswith(":5432/contentgen_read?sslmode=disable")
    assert prod["database_url"].endswith("@pgbouncer.contentgen.svc:5432/contentgen?sslmode=disable")
    assert "postgres-primary" in prod["database_url_direct"]
    assert local["database_read_url"] == local["database_url"]


@pytest.mark.requirement("Y08")
def test_managed_databases_are_private_encrypted_and_speak_tls_only(declare: Declare) -> None:
    for stack in ("staging", "prod"):
        for one in declare(stack).of("rds/instance:Instance"):
            assert (one.at("storageEncrypted"), one.at("publiclyAccessible")) == (True, False)
        for one in declare(stack).of("rds/parameterGroup:ParameterGroup"):
            assert parameters(one)["rds.force_ssl"] == "1"
        for one in declare(stack).of("ReplicationGroup"):
            assert (one.at("atRestEncryptionEnabled"), one.at("transitEncryptionEnabled")) == (True, True)


@pytest.mark.requirement("Y08")
def test_managed_stores_are_reached_by_members_of_the_clusters_group_only(declare: Declare) -> None:
    rules = declare("prod").of("SecurityGroupIngressRule")
    assert {(one.at("referencedSecurityGroupId"), one.at("cidrIpv4")) for one in rules} == {("sg-12345678", None)}
    assert {(one.at("fromPort"), one.at("toPort")) for one in rules} == {(5432, 5432), (6379, 6379)}


@pytest.mark.requirement("R01")
def test_redis_in_the_cluster_has_the_documents_settings(declare: Declare) -> None:
    engine = declare("local")
    cache = engine.one("StatefulSet", "redis-cache-server")
    server = cache.at("spec", "template", "spec", "containers", 0)
    assert isinstance(server, dict)
    assert server["image"] == "redis:7"
    amounts = {kind: (amount["cpu"], amount["memory"]) for kind, amount in server["resources"].items()}
    assert amounts == {"requests": ("100m", "128Mi"), "limits": ("500m", "512Mi")}
    for probe in ("livenessProbe", "readinessProbe"):
        assert server[probe]["exec"]["command"][0::6] == ["redis-cli", "ping"]
    assert cache.at("spec", "volumeClaimTemplates", 0, "spec", "resources", "requests", "storage") == "1Gi"
    written = str(engine.one("core/v1:Secret", "redis-cache-secret").at("stringData", "redis.conf"))
    assert {"appendonly yes", "maxmemory 256mb", "maxmemory-policy allkeys-lru"} <= set(written.splitlines())


@pytest.mark.requirement("R02")
def test_cache_and_queue_are_instances_of_their_own_and_production_has_a_replica_of_each(declare: Declare) -> None:
    dev, prod = declare("dev"), declare("prod")
    policies = {
        role: str(dev.one("core/v1:Secret", f"redis-{role}-secret").at("stringData", "redis.conf"))
        for role in ("cache", "queue")
    }
    assert "maxmemory-policy allkeys-lru" in policies["cache"]
    assert "maxmemory-policy noeviction" in policies["queue"]
    assert {one.at("spec", "replicas") for one in dev.of("StatefulSet")} == {1}
    groups = prod.of("ReplicationGroup")
    assert {(one.at("numCacheClusters"), one.at("automaticFailoverEnabled")) for one in groups} == {(2, True)}
    evictions = [parameters(one)["maxmemory-policy"] for one in prod.of("elasticache/parameterGroup:ParameterGroup")]
    assert sorted(map(str, evictions)) == ["allkeys-lru"] * 3 + ["noeviction"] * 3


@pytest.mark.requirement("R02")
def test_three_nodes_of_each_store_are_one_setting() -> None:
    given = read(ROOT, "prod")
    prod = declared("prod", given.model_copy(update={"redis": RedisSettings(nodes=3)}))
    found = {(one.at("numCacheClusters"), one.at("automaticFailoverEnabled")) for one in prod.of("ReplicationGroup")}
    assert found == {(3, True)}


@pytest.mark.requirement("K12")
def test_what_rewrites_or_restores_whole_tables_runs_between_two_and_six_at_night(every: RecordingEngine) -> None:
    heavy = [one for one in every.of("CronJob") if str(one.at("metadata", "name")).startswith(("maint", "restore"))]
    assert len(heavy) >= 4
    for one in heavy:
        minute, hour, *_ = str(one.at("spec", "schedule")).split()
        assert minute.isdigit()
        assert hour.isdigit() and 2 <= int(hour) < 6, one.name


@pytest.mark.requirement("K17")
def test_maintenance_runs_daily_weekly_and_monthly_never_twice_at_once(every: RecordingEngine) -> None:
    jobs = {str(one.at("metadata", "name")): one for one in every.of("CronJob")}
    schedules = {name: one.at("spec", "schedule") for name, one in jobs.items() if name.startswith("maintenance-")}
    assert schedules == {
        "maintenance-daily": "0 2 * * *",
        "maintenance-weekly": "0 3 * * 0",
        "maintenance-monthly": "0 4 1 * *",
    }
    for one in jobs.values():
        assert (one.at("spec", "concurrencyPolicy"), one.at("spec", "timeZone")) == ("Forbid", "Etc/UTC")
        assert one.at("spec", "startingDeadlineSeconds") == 600
        assert one.at("spec", "successfulJobsHistoryLimit") == one.at("spec", "failedJobsHistoryLimit") == 3
        assert one.at("spec", "jobTemplate", "spec", "activeDeadlineSeconds")
        labels = one.at("spec", "jobTemplate", "spec", "template", "metadata", "labels")
        assert isinstance(labels, dict)
        assert labels["contentgen/on-failure"] in ("critical", "high", "low")


@pytest.mark.requirement("X01")
def test_everything_that_aws_stores_is_encrypted_with_a_key_of_ours(declare: Declare) -> None:
    for stack in ("staging", "prod"):
        engine = declare(stack)
        for kind in ("rds/instance:Instance", "ReplicationGroup", "secretsmanager/secret:Secret"):
            assert engine.of(kind)
            first = [one for one in engine.of(kind) if one.at("replicateSourceDb") is None]
            assert all(one.at("kmsKeyId") for one in first)
        for key in engine.of("kms/key:Key"):
            assert key.at("enableKeyRotation") is True


def test_a_read_replica_declares_no_key_because_rds_refuses_one_of_its_own(declare: Declare) -> None:
    replicas = [one for one in declare("prod").of("rds/instance:Instance") if "-replica-" in one.name]
    assert {(one.at("kmsKeyId"), one.at("storageEncrypted")) for one in replicas} == {(None, True)}


@pytest.mark.requirement("P02")
def test_the_pooler_has_the_documents_mode_and_sizes_and_two_instances_where_people_rely_on_it(
    declare: Declare,
) -> None:
    for stack, instances in {"local": 1, "dev": 1, "staging": 2, "prod": 2}.items():
        engine = declare(stack)
        for one in engine.of("Secret"):
            written = one.at("stringData", "pgbouncer.ini")
            if written is None:
                continue
            lines = dict(line.split(" = ", 1) for line in str(written).splitlines() if " = " in line)
            assert (lines["pool_mode"], lines["max_client_conn"], lines["default_pool_size"]) == (
                "transaction", "200", "25",
            )  # fmt: skip
            assert ("contentgen_read" in lines) == (stack == "prod")
        poolers = [one for one in engine.of("Deployment") if one.at("metadata", "name") == "pgbouncer"]
        assert {one.at("spec", "replicas") for one in poolers} == {instances}


@pytest.mark.requirement("W01")
def test_backups_run_every_hour_in_production_and_daily_elsewhere(declare: Declare) -> None:
    for stack, schedule in {"prod": "0 * * * *", "staging": "0 2 * * *", "dev": "0 2 * * *"}.items():
        jobs = [one for one in declare(stack).of("CronJob") if one.name.endswith("-backup-cronjob")]
        assert {one.at("spec", "schedule") for one in jobs} == {schedule}
        assert {one.at("spec", "concurrencyPolicy") for one in jobs} == {"Forbid"}
        assert len(jobs) == len(declare(stack).of("contentgen:stack:Region"))


def test_a_change_of_a_managed_store_is_in_force_when_the_update_ends(declare: Declare) -> None:
    for stack in ("staging", "prod"):
        for kind in ("rds/instance:Instance", "ReplicationGroup"):
            assert {one.at("applyImmediately") for one in declare(stack).of(kind)} == {True}


def test_the_last_snapshot_of_a_store_has_a_name_that_no_earlier_life_of_the_stack_left(declare: Declare) -> None:
    prod = declare("prod")
    kept = [*prod.of("rds/instance:Instance"), *prod.of("ReplicationGroup")]
    names = [str(one.at("finalSnapshotIdentifier")) for one in kept if one.at("finalSnapshotIdentifier")]
    assert len(names) == len(set(names)) == 3 + 6
    assert all("-final-prod-" in name for name in names), "the made-up id of the security group is in it"


def test_only_a_protected_zone_stays_when_foreign_records_are_in_it(declare: Declare) -> None:
    found = {stack: declare(stack).one("route53/zone:Zone").at("forceDestroy") for stack in ("staging", "prod")}
    assert found == {"staging": True, "prod": False}


def test_a_managed_database_that_fills_up_slows_down_or_lags_is_told_of(declare: Declare) -> None:
    alarms = {one.name.removeprefix("prod-us-east-1-store-alarms-"): one for one in declare("prod").of("MetricAlarm")}
    found = {
        name: (one.at("metricName"), one.at("comparisonOperator"), one.at("threshold"))
        for name, one in alarms.items()
        if name in ("storage-0", "memory-0", "credits-0", "lag-1")
    }
    assert found == {
        "storage-0": ("FreeStorageSpace", "LessThanThreshold", 20_000_000_000),
        "memory-0": ("FreeableMemory", "LessThanThreshold", 0.05 * 8 * 2**30),
        "credits-0": ("CPUCreditBalance", "LessThanThreshold", 20),
        "lag-1": ("ReplicaLag", "GreaterThanThreshold", 60),
    }
    assert "lag-0" not in alarms
