"""scale-limits: nothing grows beyond the product's limits, and what does not say how far it grows is refused."""

from __future__ import annotations

import copy
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy.proxy import unknown_checking_proxy

from policies.rules.scale import Limits, limits_of, violations
from tests.policies.analyzer import UNKNOWN_NUMBER, Analyzer, Finding

AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
DATABASE = "aws:rds/instance:Instance"
PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
LIMITS = Limits({"cpm": 10.0, "im": 5.0, "worker": 5.0})


def autoscaler(service: str, maximum: object) -> dict[str, object]:
    return {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": service}, "maxReplicas": maximum}}


def deployment(service: str = "cpm", memory: str | None = "1Gi", replicas: int | None = None) -> dict[str, object]:
    limits = {} if memory is None else {"memory": memory}
    container = {"name": service, "resources": {"limits": limits}}
    spec: dict[str, object] = {"template": {"spec": {"containers": [container]}}}
    return {"metadata": {"name": service}, "spec": spec | ({} if replicas is None else {"replicas": replicas})}


def store(storage: str | None = "100Gi", connections: str = "max_connections=200") -> dict[str, object]:
    requests = {} if storage is None else {"storage": storage}
    claim = {"spec": {"resources": {"requests": requests}}}
    container = {"name": "postgres", "args": ["-c", connections]}
    return {"spec": {"volumeClaimTemplates": [claim], "template": {"spec": {"containers": [container]}}}}


def parameters(value: str | None) -> dict[str, object]:
    own = [] if value is None else [{"name": "max_connections", "value": value}]
    return {"parameters": [{"name": "work_mem", "value": "16384"}, *own]}


def refusal(findings: list[Finding]) -> str:
    (finding,) = findings
    assert (finding.rule, finding.level) == ("scale-limits", "mandatory")
    return finding.message


@pytest.mark.requirement("Y02")
def test_an_autoscaler_of_cpm_up_to_11_is_refused_naming_rule_resource_value_and_limit(analyzer: Analyzer) -> None:
    (finding,) = analyzer.findings(AUTOSCALER, autoscaler("cpm", 11), "prod-us-east-1-cpm-autoscaler-hpa")
    assert (finding.rule, finding.level) == ("scale-limits", "mandatory")
    assert (
        "prod-us-east-1-cpm-autoscaler-hpa: spec.maxReplicas is 11; the limit is 10 instances of cpm" in finding.message
    )


@pytest.mark.requirement("Y02")
@pytest.mark.parametrize(
    ("type_", "within"),
    [
        (AUTOSCALER, autoscaler("cpm", 10)),
        (AUTOSCALER, autoscaler("im", 5)),
        (AUTOSCALER, autoscaler("worker", 5)),
        (DEPLOYMENT, deployment(memory="2Gi", replicas=10)),
        (DEPLOYMENT, deployment(memory="2048Mi")),
        (DEPLOYMENT, deployment("im", replicas=5)),
        (STATEFUL_SET, store("100Gi", "max_connections=200")),
        (DATABASE, {"allocatedStorage": 100, "maxAllocatedStorage": 100}),
        (DATABASE, {"replicateSourceDb": "primary"}),
        (PARAMETERS, parameters("200")),
    ],
)
def test_what_is_at_its_limit_passes(analyzer: Analyzer, type_: str, within: dict[str, object]) -> None:
    assert analyzer.findings(type_, within) == []


@pytest.mark.requirement("Y02")
@pytest.mark.parametrize(
    ("type_", "beyond", "told"),
    [
        (AUTOSCALER, autoscaler("im", 6), "spec.maxReplicas is 6; the limit is 5 instances of im"),
        (AUTOSCALER, autoscaler("worker", 6), "spec.maxReplicas is 6; the limit is 5 instances of worker"),
        (DEPLOYMENT, deployment(replicas=11), "spec.replicas is 11; the limit is 10 instances of cpm"),
        (DEPLOYMENT, deployment(memory="2049Mi"), "container cpm has a memory limit of 2049Mi; it must be at most 2Gi"),
        (DEPLOYMENT, deployment(memory="3G"), "container cpm has a memory limit of 3G; it must be at most 2Gi"),
        (STATEFUL_SET, store("101Gi"), "volumeClaimTemplates storage is 101; the limit is 100 GB"),
        (STATEFUL_SET, store("1Ti"), "volumeClaimTemplates storage is 1024; the limit is 100 GB"),
        (
            STATEFUL_SET,
            store(connections="max_connections=201"),
            "max_connections is 201; the limit is 200 connections",
        ),
        (DATABASE, {"allocatedStorage": 101}, "allocatedStorage is 101; the limit is 100 GB"),
        (
            DATABASE,
            {"allocatedStorage": 20, "maxAllocatedStorage": 101},
            "maxAllocatedStorage is 101; the limit is 100",
        ),
        (PARAMETERS, parameters("201"), "max_connections is 201; the limit is 200 connections"),
    ],
)
def test_one_beyond_a_limit_is_refused_naming_value_and_limit(
    analyzer: Analyzer, type_: str, beyond: dict[str, object], told: str
) -> None:
    assert f"it: {told}" in refusal(analyzer.findings(type_, beyond))


@pytest.mark.parametrize(
    ("type_", "silent", "told"),
    [
        (AUTOSCALER, {"spec": {"scaleTargetRef": {"name": "cpm"}}}, "spec.maxReplicas is absent"),
        (AUTOSCALER, {}, "spec.maxReplicas is absent"),
        (DEPLOYMENT, deployment(memory=None), "container cpm has no memory limit"),
        (DEPLOYMENT, deployment(memory="plenty"), "container cpm has no memory limit"),
        (STATEFUL_SET, store(storage=None), "volumeClaimTemplates storage is None"),
        (STATEFUL_SET, store(storage="1Pi"), "volumeClaimTemplates storage is '1Pi'"),
        (PARAMETERS, parameters(None), "max_connections is not a number"),
        (PARAMETERS, parameters("LEAST({DBInstanceClassMemory/9531392},5000)"), "max_connections is not a number"),
    ],
)
def test_what_does_not_say_how_far_it_grows_is_refused(
    analyzer: Analyzer, type_: str, silent: dict[str, object], told: str
) -> None:
    assert told in refusal(analyzer.findings(type_, silent))


@pytest.mark.parametrize(
    ("type_", "properties"), [(AUTOSCALER, autoscaler("api", 1)), (DEPLOYMENT, deployment("api", replicas=1))]
)
def test_a_service_nobody_stated_a_limit_for_may_not_scale(
    analyzer: Analyzer, type_: str, properties: dict[str, object]
) -> None:
    told = refusal(analyzer.findings(type_, properties))
    assert "no limit is configured for api; known: cpm, im, worker" in told


def test_every_container_of_a_pod_is_looked_at(analyzer: Analyzer) -> None:
    properties = copy.deepcopy(deployment())
    containers = properties["spec"]["template"]["spec"]["containers"]  # type: ignore[index]
    containers.append({"name": "sidecar", "resources": {"limits": {"memory": "9Gi"}}})
    assert "container sidecar has a memory limit of 9Gi" in refusal(analyzer.findings(DEPLOYMENT, properties))


def test_the_older_version_of_the_autoscaler_is_held_to_the_same(analyzer: Analyzer) -> None:
    older = "kubernetes:autoscaling/v1:HorizontalPodAutoscaler"
    assert "the limit is 10" in refusal(analyzer.findings(older, autoscaler("cpm", 11)))


def test_the_integers_of_the_configuration_arrive_as_floats_and_are_shown_without_a_fraction() -> None:
    config = {"enforcementLevel": "mandatory", "instances": {"cpm": 3}, "storageGb": 7, "databaseConnections": 9}
    analyzer = Analyzer({"scale-limits": config})
    assert "the limit is 3 instances of cpm" in refusal(analyzer.findings(AUTOSCALER, autoscaler("cpm", 4)))
    assert "the limit is 7 GB" in refusal(analyzer.findings(DATABASE, {"allocatedStorage": 8}))
    assert "the limit is 9 connections" in refusal(analyzer.findings(PARAMETERS, parameters("10")))
    assert analyzer.findings(AUTOSCALER, autoscaler("cpm", 3)) == []


def test_without_configuration_nothing_may_scale_and_the_other_limits_hold() -> None:
    analyzer = Analyzer({})
    assert "known: none" in refusal(analyzer.findings(AUTOSCALER, autoscaler("cpm", 1)))
    assert "the limit is 100 GB" in refusal(analyzer.findings(DATABASE, {"allocatedStorage": 101}))
    assert asdict(limits_of({})) == asdict(Limits())


@given(maximum=st.integers(min_value=-1, max_value=10_000), service=st.sampled_from(sorted(LIMITS.instances)))
def test_whatever_the_number_it_passes_exactly_up_to_the_limit(maximum: int, service: str) -> None:
    found = list(violations("autoscaling/v2:HorizontalPodAutoscaler", autoscaler(service, maximum), LIMITS))
    assert bool(found) == (maximum > LIMITS.instances[service])


@given(mebibytes=st.integers(min_value=1, max_value=8192))
def test_whatever_the_memory_it_passes_exactly_up_to_the_limit(mebibytes: int) -> None:
    found = list(violations("apps/v1:Deployment", deployment(memory=f"{mebibytes}Mi"), LIMITS))
    assert bool(found) == (mebibytes > 2048)


def test_the_decision_is_a_pure_function_that_reads_plain_mappings_and_the_sdks_proxies_alike() -> None:
    for kind, properties in {
        "autoscaling/v2:HorizontalPodAutoscaler": autoscaler("cpm", 11),
        "apps/v1:Deployment": deployment(memory="3Gi", replicas=12),
        "apps/v1:StatefulSet": store("200Gi", "max_connections=300"),
        "rds/parameterGroup:ParameterGroup": parameters("201"),
    }.items():
        before = copy.deepcopy(properties)
        plain = list(violations(kind, properties, LIMITS))
        assert plain
        assert plain == list(violations(kind, unknown_checking_proxy(properties), LIMITS))
        assert properties == before


def test_a_value_that_is_unknown_at_preview_makes_the_rule_say_that_it_could_not_run(analyzer: Analyzer) -> None:
    (finding,) = analyzer.findings(AUTOSCALER, autoscaler("cpm", UNKNOWN_NUMBER))
    assert finding.skipped
    assert (finding.rule, finding.level) == ("scale-limits", "advisory")
    assert "maxReplicas" in finding.message
