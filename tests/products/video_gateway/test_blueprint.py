"""Video-gateway as document C wants it, on what its stacks declare."""

from __future__ import annotations

import json

import pytest

from infra.catalog.sizes import GpuSize
from infra.settings.errors import SettingsError
from infra.settings.services import ServiceSettings
from infra.settings.stack import StackSettings, checked
from ops.stack_files import planned, read
from stacks.plan import plan
from stacks.validation import findings, require_valid
from tests.products.support import CONTAINER, deployment, variables
from tests.unit.program import ROOT, Declare, declared

PROD, STAGING, LOCAL = "video-gateway-prod", "video-gateway-staging", "video-gateway-local"
GATEWAY = "comfyui-gateway"


@pytest.mark.requirement("Z03")
def test_gateway_and_page_run_their_roles_on_the_documents_ports_and_nothing_else_runs(declare: Declare) -> None:
    for stack in (PROD, STAGING, LOCAL):
        engine = declare(stack)
        found = {
            one.at("metadata", "name"): (one.at(*CONTAINER, "args"), one.at(*CONTAINER, "ports", 0, "containerPort"))
            for one in engine.of("apps/v1:Deployment")
        }
        found.pop("pgbouncer")
        assert found == {
            GATEWAY: (["serve", "--role", "videos"], 8000),
            "frontend": (["serve", "--role", "videos-page"], 3000),
        }
        jobs = {one.at("metadata", "name") for one in engine.of("CronJob")}
        assert jobs == {"backup", "restore-check", "maintenance-daily", "maintenance-weekly", "maintenance-monthly"}


@pytest.mark.requirement("K08")
@pytest.mark.requirement("Z03")
def test_the_gateway_scales_from_one_to_ten_with_cooldowns_of_60_and_300_seconds(declare: Declare) -> None:
    (scaler,) = (
        one
        for one in declare(PROD).of("HorizontalPodAutoscaler")
        if one.at("spec", "scaleTargetRef", "name") == GATEWAY
    )
    assert (scaler.at("spec", "minReplicas"), scaler.at("spec", "maxReplicas")) == (1, 10)
    targets = [scaler.at("spec", "metrics", at, "resource", "target", "averageUtilization") for at in (0, 1)]
    assert targets == [70, 80]
    pace = scaler.at("spec", "behavior")
    assert isinstance(pace, dict)
    assert pace["scaleUp"]["stabilizationWindowSeconds"] == 60
    assert {one["periodSeconds"] for one in pace["scaleUp"]["policies"]} == {60}
    assert pace["scaleDown"]["stabilizationWindowSeconds"] == 300


@pytest.mark.requirement("K08")
def test_the_other_autoscalers_keep_the_main_documents_pace(declare: Declare) -> None:
    for stack in (PROD, "prod"):
        for one in declare(stack).of("HorizontalPodAutoscaler"):
            if one.at("spec", "scaleTargetRef", "name") != GATEWAY:
                assert one.at("spec", "behavior", "scaleUp", "stabilizationWindowSeconds") == 0
                assert one.at("spec", "behavior", "scaleUp", "policies", 1, "periodSeconds") == 15


@pytest.mark.requirement("K13")
@pytest.mark.requirement("Z03")
def test_the_gateway_alone_has_a_t4_with_two_cores_and_two_gibibytes(declare: Declare) -> None:
    for stack in (PROD, STAGING, LOCAL):
        for one in declare(stack).of("apps/v1:Deployment"):
            pod = one.at("spec", "template", "spec")
            assert isinstance(pod, dict)
            limits = pod["containers"][0]["resources"]["limits"]
            tolerated = [each["key"] for each in pod.get("tolerations") or ()]
            if one.at("metadata", "name") == GATEWAY:
                assert (limits["cpu"], limits["memory"], limits["nvidia.com/gpu"]) == ("2000m", "2Gi", "1")
                assert pod["nodeSelector"] == {"gpu": "nvidia-t4"}
                assert tolerated == ["nvidia.com/gpu"]
            else:
                assert "nvidia.com/gpu" not in limits
                assert pod.get("nodeSelector") is None
                assert not tolerated


def with_gpu(stack: str, gpu: GpuSize) -> StackSettings:
    settings = read(ROOT, stack)
    return settings.model_copy(update={"services": {GATEWAY: ServiceSettings(gpu=gpu)}})


@pytest.mark.requirement("K13")
def test_one_setting_is_the_step_to_an_a10_with_four_cores_and_four_gibibytes() -> None:
    pod = deployment(declared(PROD, with_gpu(PROD, GpuSize.A10)), GATEWAY).at("spec", "template", "spec")
    assert isinstance(pod, dict)
    limits = pod["containers"][0]["resources"]["limits"]
    assert (limits["cpu"], limits["memory"], limits["nvidia.com/gpu"]) == ("4000m", "4Gi", "1")
    assert pod["nodeSelector"] == {"gpu": "nvidia-a10"}


@pytest.mark.requirement("K13")
def test_the_alert_on_cpu_above_70_per_cent_for_5_minutes_names_the_setting_and_the_step() -> None:
    (rule,) = planned(ROOT, PROD).alerts["gpu"]
    assert rule.for_seconds == 300
    assert "> 70" in rule.expression
    assert ">= 10" in rule.expression
    assert "contentgen:services.comfyui-gateway.gpu from t4 to a10" in rule.description
    assert plan(PROD, with_gpu(PROD, GpuSize.A10)).alerts["gpu"] == ()


@pytest.mark.requirement("K13")
@pytest.mark.requirement("Y02")
def test_a_namespace_may_use_no_more_gpus_than_its_gateways_and_a_rollout_need(declare: Declare) -> None:
    (quota,) = declare(PROD).of("core/v1:ResourceQuota")
    assert quota.at("spec", "hard", "requests.nvidia.com/gpu") == "11"
    (other,) = declare("recipe-app-prod").of("core/v1:ResourceQuota")
    hard = other.at("spec", "hard")
    assert isinstance(hard, dict)
    assert not any("gpu" in key for key in hard)


def test_a_gpu_for_a_workload_that_renders_nothing_is_refused() -> None:
    settings = read(ROOT, LOCAL)
    wrong = plan(LOCAL, settings.model_copy(update={"services": {"frontend": ServiceSettings(gpu=GpuSize.T4)}}))
    with pytest.raises(SettingsError, match=r"services\.frontend\.gpu.*comfyui-gateway"):
        require_valid(wrong, embedded=True)


@pytest.mark.requirement("R02")
@pytest.mark.requirement("Z03")
def test_production_has_a_cache_of_three_shards_and_a_store_of_queues_apart(declare: Declare) -> None:
    engine = declare(PROD)
    groups = {one.name: one for one in engine.of("elasticache/replicationGroup:ReplicationGroup")}
    cache, queue = groups["video-prod-use1-cache"], groups["video-prod-use1-queue"]
    assert (cache.at("clusterMode"), cache.at("numNodeGroups"), cache.at("replicasPerNodeGroup")) == ("enabled", 3, 0)
    assert cache.at("automaticFailoverEnabled") is True
    assert (queue.at("numCacheClusters"), queue.at("multiAzEnabled")) == (2, True)
    parameters = {
        one.name: {each["name"]: each["value"] for each in one.at("parameters")}  # type: ignore[union-attr]
        for one in engine.of("elasticache/parameterGroup:ParameterGroup")
    }
    assert parameters == {
        "video-prod-us-east-1-redis-cache-parameters": {
            "maxmemory-policy": "allkeys-lru",
            "cluster-enabled": "yes",
        },
        "video-prod-us-east-1-redis-queue-parameters": {"maxmemory-policy": "noeviction"},
    }
    assert variables(engine, GATEWAY)["REDIS_CLUSTER"] == "true"
    assert "REDIS_CLUSTER" not in variables(declare(LOCAL), GATEWAY)
    watched = [one.at("dimensions", "CacheClusterId") for one in engine.of("MetricAlarm") if "memory-cache" in one.name]
    assert len(watched) == 3


@pytest.mark.requirement("R02")
def test_shards_in_the_cluster_are_refused() -> None:
    values = {"product": "video-gateway", "environment": "local", "domain": "video.example.com"}
    settings, _ = checked({**values, "regions": ["us-east-1"], "redis": {"cache_shards": 3}})
    assert settings is not None
    (wrong,) = findings(plan(LOCAL, settings), embedded=True)
    assert (wrong.key, wrong.value) == ("contentgen:redis.cache_shards", 3)


@pytest.mark.requirement("P02")
@pytest.mark.requirement("Z03")
def test_production_has_postgres_15_with_two_read_replicas_that_readers_take_in_turn(declare: Declare) -> None:
    engine = declare(PROD)
    instances = {one.name.rpartition("postgres-")[2]: one for one in engine.of("rds/instance:Instance")}
    assert sorted(instances) == ["primary", "replica-1", "replica-2"]
    assert instances["primary"].at("engineVersion") == "15"
    (group,) = engine.of("rds/parameterGroup:ParameterGroup")
    assert group.at("family") == "postgres15"
    (config,) = (one for one in engine.of("core/v1:Secret") if one.name.endswith("pgbouncer-config"))
    ini = str(config.at("stringData", "pgbouncer.ini"))
    readers = next(line for line in ini.splitlines() if line.startswith("app_read = "))
    hosts = readers.partition("host=")[2].split()[0].split(",")
    assert len(set(hosts)) == 2
    assert "max_client_conn = 100" in ini
    most = planned(ROOT, PROD).connections
    assert (most.pooler_clients, most.pooler_accepts) == (10 * 5, 100)
    assert (most.server, most.server_accepts) == (2 * 20 + 10 * 4 + 12 + 3, 100)


@pytest.mark.requirement("M01")
@pytest.mark.requirement("Z03")
def test_the_budget_is_1000_dollars_a_month(declare: Declare) -> None:
    (budget,) = declare(PROD).of("budgets/budget:Budget")
    assert (budget.at("limitAmount"), budget.at("limitUnit"), budget.at("timeUnit")) == ("1000", "USD", "MONTHLY")


@pytest.mark.requirement("W04")
@pytest.mark.requirement("Z03")
def test_videos_are_kept_seven_days_in_a_bucket_of_their_own(declare: Declare) -> None:
    engine = declare(PROD)
    (lifecycle,) = (one for one in engine.of("BucketLifecycleConfiguration") if "video-prod-video" in one.name)
    expiring = {
        rule["filter"]["prefix"]: rule["expiration"]["days"]
        for rule in lifecycle.at("rules")  # type: ignore[union-attr]
        if "expiration" in rule
    }
    assert expiring == {"videos/": 7}
    for kind in ("BucketPublicAccessBlock", "BucketVersioning", "BucketServerSideEncryption", "BucketPolicy"):
        found = [one for one in engine.resources if kind in one.type and "video-prod-video" in one.name]
        assert len(found) == 1, kind


@pytest.mark.requirement("A03")
def test_the_pages_functions_end_after_30_seconds_and_have_1024_megabytes(declare: Declare) -> None:
    engine = declare(PROD)
    assert deployment(engine, "frontend").at(*CONTAINER, "resources", "limits", "memory") == "1Gi"
    hosts = {host.name: host for host in planned(ROOT, PROD).hosts["us-east-1"]}
    groups = {
        name: [(group.paths, group.timeout) for group in groups] for name, groups in hosts["site"].backends.items()
    }
    assert {timeout for told in groups.values() for _, timeout in told} == {"30s"}
    calls = [path for paths, _ in groups[GATEWAY] for path in paths]
    assert all(path.startswith("/api/") for path in calls)
    assert {"/api/generate", "/api/videos"} <= set(calls)


def test_features_are_switched_by_the_stack_file_and_unknown_ones_are_refused() -> None:
    settings = read(ROOT, LOCAL)
    switched = settings.model_copy(update={"features": {"new-timeline-ui": False}})
    told = variables(declared(LOCAL, switched), GATEWAY)
    assert (told["ENABLE_NEW_TIMELINE"], told["ENABLE_AI_VIDEO"]) == ("false", "true")
    unknown = plan(LOCAL, settings.model_copy(update={"features": {"dark-mode": True}}))
    with pytest.raises(SettingsError, match=r"features\.dark-mode.*new-timeline-ui, ai-video-generation"):
        require_valid(unknown, embedded=True)


@pytest.mark.requirement("K13")
def test_a_comfyui_server_is_a_setting_whose_wrong_values_are_refused() -> None:
    values = {"product": "video-gateway", "environment": "local", "domain": "video.example.com"}
    base = {**values, "regions": ["us-east-1"]}
    graph = json.dumps({"3": {"class_type": "KSampler", "inputs": {}}})
    settings, wrong = checked(
        {**base, "renderer": {"comfyui_url": "http://comfyui.render.svc:8188", "workflow": graph}}
    )
    assert settings is not None
    assert not wrong
    for bad in ({"comfyui_url": "comfyui:8188"}, {"workflow": "{"}, {"workflow": '{"3": {"inputs": {}}}'}):
        assert checked({**base, "renderer": bad})[1], bad
