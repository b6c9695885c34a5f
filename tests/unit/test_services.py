"""The services of a stack as Kubernetes gets them: size, rollout, hardening, probes, autoscaling."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from infra.catalog.headers import MAXIMUM_HEADERS_A_ROUTE, SECURITY_HEADERS
from tests.unit.engine import MADE_UP, Declared, Json, RecordingEngine
from tests.unit.program import Declare

GPU_WORKLOAD = "comfyui-gateway"
"""It has cooldowns of its own (K08)."""
SERVICES = ("cpm", "im", "worker", "frontend")
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
SERVER = {"capabilities": {"drop": ["ALL"]}, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}


def pod(one: Declared) -> Json:
    """The pod's spec of a workload of any kind."""
    return one.at("spec", "jobTemplate", "spec", "template", "spec") or one.at("spec", "template", "spec")


def container(one: Declared, *path: str | int) -> Json:
    """A value of a Deployment's only container."""
    containers = one.at("spec", "template", "spec", "containers")
    assert isinstance(containers, list)
    assert len(containers) == 1
    return one.at("spec", "template", "spec", "containers", 0, *path)


def workloads(engine: RecordingEngine) -> list[Declared]:
    """Everything that makes pods."""
    return [found for kind in ("Deployment", "StatefulSet", ":Job", "CronJob") for found in engine.of(kind)]


def sizes(engine: RecordingEngine, service: str) -> set[tuple[Json, Json]]:
    """The autoscaler's range of a service while it is in use, in every region."""
    scalers = [one for one in engine.of("HorizontalPodAutoscaler") if one.at("metadata", "name") == service]
    idling = [one for one in engine.of("ScaledObject") if one.at("metadata", "name") == service]
    return {
        *((one.at("spec", "minReplicas"), one.at("spec", "maxReplicas")) for one in scalers),
        *((used(one), one.at("spec", "maxReplicaCount")) for one in idling),
    }


def used(scaler: Declared) -> int:
    """Instances that the last trigger of a ScaledObject wants while requests come."""
    query = str(scaler.at("spec", "triggers", -1, "metadata", "query"))
    found = re.search(r"THEN ([0-9]+) ELSE 1 END$", query)
    assert found, query
    return int(found[1])


def deployments(engine: RecordingEngine, service: str) -> list[Declared]:
    return [one for one in engine.of("Deployment") if one.at("metadata", "name") == service]


@pytest.mark.requirement("A01")
@pytest.mark.parametrize(("stack", "range_"), [("staging", (2, 5)), ("prod", (2, 10))])
def test_cpm_has_its_instances_requests_and_limits(declare: Declare, stack: str, range_: tuple[int, int]) -> None:
    assert sizes(declare(stack), "cpm") == {range_}
    for one in deployments(declare(stack), "cpm"):
        assert container(one, "resources", "requests", "memory") == "256Mi"
        assert container(one, "resources", "requests", "cpu") == "250m"
        assert container(one, "resources", "limits", "memory") == "1Gi"
        assert container(one, "resources", "limits", "cpu") == "1000m"


@pytest.mark.requirement("A02")
@pytest.mark.parametrize(("stack", "range_"), [("staging", (2, 3)), ("prod", (2, 5))])
def test_im_has_its_instances_between_256_megabytes_and_one_gigabyte_and_cpu_as_cpm(
    declare: Declare, stack: str, range_: tuple[int, int]
) -> None:
    assert sizes(declare(stack), "im") == {range_}
    for one in deployments(declare(stack), "im"):
        assert container(one, "resources", "requests", "memory") == "256Mi"
        assert container(one, "resources", "requests", "cpu") == "250m"
        assert container(one, "resources", "limits", "memory") == "1Gi"
        assert container(one, "resources", "limits", "cpu") == "1000m"


@pytest.mark.requirement("K06")
def test_autoscalers_own_the_replicas_at_70_per_cent_cpu_and_80_per_cent_memory(each: RecordingEngine) -> None:
    scalers, by_keda = each.of("autoscaling/v2:HorizontalPodAutoscaler"), each.of("ScaledObject")
    targets = Counter((one.provider, one.at("spec", "scaleTargetRef", "name")) for one in (*scalers, *by_keda))
    scaled = [one for one in each.of("Deployment") if one.at("metadata", "name") in SERVICES]
    assert targets == Counter((one.provider, one.at("metadata", "name")) for one in scaled)
    assert [one.name for one in scaled if one.at("spec", "replicas") is not None] == []
    for one in scalers:
        metrics = one.at("spec", "metrics")
        assert isinstance(metrics, list)
        assert [
            (one.at("spec", "metrics", at, "resource", "name"), one.at(*_target(at))) for at in range(len(metrics))
        ] == [("cpu", 70), ("memory", 80)]
    for one in [found for found in by_keda if found.at("metadata", "name") != "worker"]:
        assert [one.at("spec", "triggers", at) for at in (0, 1)] == [
            {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}},
            {"type": "memory", "metricType": "Utilization", "metadata": {"value": "80"}},
        ]


def _target(at: int) -> tuple[str | int, ...]:
    return ("spec", "metrics", at, "resource", "target", "averageUtilization")


@pytest.mark.requirement("K06")
def test_production_scales_from_two_to_the_products_limits(declare: Declare) -> None:
    assert {service: sizes(declare("prod"), service) for service in ("cpm", "im")} == {"cpm": {(2, 10)}, "im": {(2, 5)}}
    queues = declare("prod").of("ScaledObject")
    assert {(one.at("spec", "minReplicaCount"), one.at("spec", "maxReplicaCount")) for one in queues} == {(2, 5)}


@pytest.mark.requirement("K09")
def test_workers_follow_the_queue_one_more_for_every_hundred_jobs_that_wait(each: RecordingEngine) -> None:
    scalers = [one for one in each.of("ScaledObject") if one.at("spec", "scaleTargetRef", "name") == "worker"]
    assert len(scalers) == len(deployments(each, "worker")) > 0
    for one in scalers:
        (trigger,) = one.at("spec", "triggers")  # type: ignore[misc]
        assert isinstance(trigger, dict)
        assert trigger["type"] == "postgresql"
        metadata = trigger["metadata"]
        assert metadata["targetQueryValue"] == "100"
        assert "CASE WHEN jobs < 10 THEN 0 ELSE greatest(jobs, 100 * workers) END" in metadata["query"]
        assert "application_name = 'worker-queue'" in metadata["query"]
        assert "entrypoint" not in metadata["query"]


@pytest.mark.requirement("K09")
def test_the_queue_is_counted_through_the_pooler_without_named_statements(every: RecordingEngine) -> None:
    secrets = {f"{one.name}{MADE_UP}": one for one in every.of("core/v1:Secret")}
    for access in every.of("TriggerAuthentication"):
        [target] = access.at("spec", "secretTargetRef")  # type: ignore[misc]
        assert isinstance(target, dict)
        address = secrets[str(target["name"])].at("stringData", str(target["key"]))
        assert isinstance(address, str)
        assert "@pgbouncer." in address
        assert address.endswith("&default_query_exec_mode=simple_protocol")


@pytest.mark.requirement("K10")
@pytest.mark.parametrize("stack", ["local", "dev"])
def test_five_idle_minutes_take_workers_and_services_to_one_outside_production(declare: Declare, stack: str) -> None:
    for one in declare(stack).of("ScaledObject"):
        assert (one.at("spec", "minReplicaCount"), one.at("spec", "cooldownPeriod")) == (1, 300)
    for one in declare(stack).of("HorizontalPodAutoscaler"):
        assert one.at("spec", "minReplicas") == 1
        assert one.at("spec", "behavior", "scaleDown", "stabilizationWindowSeconds") == 300


@pytest.mark.requirement("K12")
def test_only_workers_may_run_on_spot_nodes(every: RecordingEngine) -> None:
    for one in every.of("Deployment"):
        spec = pod(one)
        assert isinstance(spec, dict)
        spot = "karpenter.sh/capacity-type" in json.dumps(spec.get("tolerations"))
        name = one.at("metadata", "name")
        assert spot == (name in ("worker", "video-processor"))
        preferred = "nodeAffinity" in spec["affinity"]
        required = spec.get("nodeSelector") == {"node-type": "spot"}
        assert (preferred, required) == (spot and name == "worker", spot and name == "video-processor")


@pytest.mark.requirement("K07")
def test_scaling_down_is_slow_and_scaling_up_is_fast(every: RecordingEngine) -> None:
    by_keda = [one for one in every.of("ScaledObject") if one.at("spec", "triggers", 0, "type") == "cpu"]
    for one in (*every.of("HorizontalPodAutoscaler"), *by_keda):
        if one.at("spec", "scaleTargetRef", "name") == GPU_WORKLOAD:
            continue
        path = ("advanced", "horizontalPodAutoscalerConfig") if one in by_keda else ()
        assert one.at("spec", *path, "behavior") == {
            "scaleDown": {
                "stabilizationWindowSeconds": 300,
                "policies": [
                    {"type": "Percent", "value": 10, "periodSeconds": 60},
                    {"type": "Pods", "value": 1, "periodSeconds": 60},
                ],
                "selectPolicy": "Min",
            },
            "scaleUp": {
                "stabilizationWindowSeconds": 0,
                "policies": [
                    {"type": "Percent", "value": 100, "periodSeconds": 15},
                    {"type": "Pods", "value": 4, "periodSeconds": 15},
                ],
                "selectPolicy": "Max",
            },
        }


@pytest.mark.requirement("A05")
def test_a_rollout_without_a_new_ready_pod_for_ten_minutes_has_failed(every: RecordingEngine) -> None:
    for service in SERVICES:
        for one in deployments(every, service):
            assert one.at("spec", "progressDeadlineSeconds") == 600


@pytest.mark.requirement("K02")
def test_a_rollout_adds_one_pod_and_takes_none_away(every: RecordingEngine) -> None:
    for one in every.of("Deployment"):
        assert one.at("spec", "strategy") == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        }


@pytest.mark.requirement("K03")
def test_no_pod_runs_as_root_or_may_become_more_than_it_is(every: RecordingEngine) -> None:
    for one in workloads(every):
        spec = pod(one)
        assert isinstance(spec, dict)
        uid = 999 if one.type.endswith("StatefulSet") or "pgbouncer" in one.name else 1001
        assert spec["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": uid,
            "runAsGroup": uid,
            "fsGroup": uid,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert spec["automountServiceAccountToken"] is False
        assert [found["securityContext"] for found in spec["containers"]] == [SERVER]


@pytest.mark.requirement("K04")
def test_probes_have_the_documents_times(every: RecordingEngine) -> None:
    def times(one: Declared, probe: str) -> tuple[Json, ...]:
        keys = ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold")
        return tuple(container(one, probe, key) for key in keys)

    for one in [found for service in SERVICES for found in deployments(every, service)]:
        assert times(one, "readinessProbe") == (10, 5, 5, 3)
        assert times(one, "livenessProbe") == (30, 10, 5, 3)
        assert times(one, "startupProbe") == (5, 5, 5, 30)
        paths = {probe: container(one, probe, "httpGet", "path") for probe in PROBES}
        assert paths == {"startupProbe": "/health", "livenessProbe": "/health", "readinessProbe": "/ready"}


@pytest.mark.requirement("K05")
def test_pods_spread_over_hosts_and_zones_and_one_at_most_is_taken_at_a_time(every: RecordingEngine) -> None:
    for one in every.of("Deployment"):
        spec = pod(one)
        assert isinstance(spec, dict)
        (term,) = spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        assert term["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
        (spread,) = spec["topologySpreadConstraints"]
        assert (spread["maxSkew"], spread["whenUnsatisfiable"]) == (1, "ScheduleAnyway")
    budgets = {(one.provider, one.at("metadata", "name")): one.at("spec", "maxUnavailable") for one in _budgets(every)}
    assert set(budgets) == {(one.provider, one.at("metadata", "name")) for one in every.of("Deployment")}
    assert set(budgets.values()) == {1}


def _budgets(engine: RecordingEngine) -> list[Declared]:
    return engine.of("PodDisruptionBudget")


def test_every_container_has_requests_and_limits(every: RecordingEngine) -> None:
    for one in workloads(every):
        spec = pod(one)
        assert isinstance(spec, dict)
        for found in spec["containers"]:
            for kind in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(found["resources"][kind]), f"{one.name} lacks {kind}"


def test_no_setting_of_a_service_is_a_secret_and_no_variable_carries_one(every: RecordingEngine) -> None:
    for one in (found for found in every.of("ConfigMap") if found.at("metadata", "name") != "contentgen-owner"):
        settings = one.at("data")
        assert isinstance(settings, dict)
        assert not [
            key for key in settings if "PASSWORD" in key or "TOKEN" in key or key.endswith(("_URL_DIRECT", "_KEY"))
        ]
        assert settings["SECURITY_HEADERS"] == json.dumps(dict(SECURITY_HEADERS), sort_keys=True)


def test_every_service_listens_on_80_and_finds_pods_of_its_own(every: RecordingEngine) -> None:
    for service in SERVICES:
        for one in [found for found in every.of("v1:Service") if found.at("metadata", "name") == service]:
            assert one.at("spec", "ports", 0, "port") == 80
            selector = one.at("spec", "selector")
            assert isinstance(selector, dict)
            labels = deployments(every, service)[0].at("spec", "template", "metadata", "labels")
            assert isinstance(labels, dict)
            assert selector.items() <= labels.items()


@pytest.mark.requirement("K01")
def test_each_service_has_its_objects_its_documents_port_and_is_scraped_there(each: RecordingEngine) -> None:
    for service in SERVICES:
        for kind in ("v1:Service", "Deployment", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy"):
            assert [one for one in each.of(kind) if one.at("metadata", "name") == service], f"{service} has no {kind}"
        port = "3000" if service == "frontend" else "8000"
        for one in deployments(each, service):
            assert one.at("spec", "template", "metadata", "annotations") == {
                "prometheus.io/scrape": "true",
                "prometheus.io/port": port,
                "prometheus.io/path": "/metrics",
            }
            assert str(container(one, "ports", 0, "containerPort")) == port
            env = container(one, "env")
            assert isinstance(env, list)
            assert {"name": "PORT", "value": port} in env
            assert container(one, "envFrom", 0, "configMapRef")


def test_services_wait_for_the_migration_of_their_region_and_it_for_the_stores(each: RecordingEngine) -> None:
    def waits_for(one: Declared) -> set[str]:
        return {urn.split("::")[-1] for urn in one.after}

    for job in (one for one in each.of(":Job") if one.name.endswith("-migrate-job")):
        region = job.name.removesuffix("-migrate-job")
        for service in SERVICES:
            assert job.name in waits_for(each.one("GenerationService", f"{region}-{service}"))
        stores = {one.name for kind in ("StatefulSet", "Instance", "ReplicationGroup") for one in each.of(kind)}
        assert {name for name in stores if region in name} <= waits_for(each.one("ApplicationJob", f"{region}-migrate"))


@pytest.mark.requirement("K14")
@pytest.mark.requirement("Y01")
def test_every_route_to_a_backend_sets_every_header_and_no_more_than_a_route_takes(every: RecordingEngine) -> None:
    for route in every.of("HTTPRoute"):
        rules = route.at("spec", "rules")
        assert isinstance(rules, list)
        for rule in rules:
            (filter_,) = rule["filters"]
            if "backendRefs" not in rule:
                assert filter_["requestRedirect"] == {"scheme": "https", "statusCode": 301}
                continue
            headers = filter_["responseHeaderModifier"]["set"]
            assert {one["name"]: one["value"] for one in headers} == SECURITY_HEADERS
            assert len(headers) <= MAXIMUM_HEADERS_A_ROUTE


@pytest.mark.requirement("K14")
def test_http_only_redirects_and_https_ends_at_the_gateway(every: RecordingEngine) -> None:
    for gateway in every.of("Gateway"):
        plain, *secure = _listeners(gateway)
        assert (plain["protocol"], plain["port"]) == ("HTTP", 80)
        assert {(one["protocol"], one["port"], one["tls"]["mode"]) for one in secure} == {("HTTPS", 443, "Terminate")}
    on_http = [one for one in every.of("HTTPRoute") if one.at("spec", "parentRefs", 0, "sectionName") == "http"]
    answering = [one for one in on_http if one.at("spec", "rules", 0, "backendRefs") is not None]
    # What a load balancer asks of its targets, by their address.
    assert {one.at("metadata", "name") for one in answering} == {"target-health"}
    for one in answering:
        assert one.at("spec", "rules", 0, "matches") == [{"path": {"type": "Exact", "value": "/health"}}]
    redirects = [one for one in on_http if one not in answering]
    assert {str(one.at("spec", "hostnames")) for one in redirects} == {
        str([listener["hostname"] for listener in _listeners(gateway)[1:]]) for gateway in every.of("Gateway")
    }


def _listeners(gateway: Declared) -> list[dict[str, Json]]:
    found = gateway.at("spec", "listeners")
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, dict)]


def test_no_pod_gets_a_variable_for_every_service_of_its_namespace(every: RecordingEngine) -> None:
    for kind in ("Deployment", "StatefulSet", ":Job", "CronJob"):
        for one in every.of(kind):
            template = ("spec", "jobTemplate", "spec", "template") if kind == "CronJob" else ("spec", "template")
            assert one.at(*template, "spec", "enableServiceLinks") is False, one.name
