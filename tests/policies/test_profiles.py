"""The profiles for any project: a good workload of another team passes, and holes are found under both."""

from __future__ import annotations

import pytest

from policies.examples import COMPLIANT
from policies.examples.base import in_aws, in_cluster
from policies.pack import RULES
from policies.profiles import BASELINE, PROFILES, RESTRICTED, unknown
from policies.reading import Value
from policies.rule import Break, Resource
from policies.testing import Finding, Pack, broken
from tests.policies.corpus import cases

HOLES = ("closed-ports", "no-plain-secrets", "least-privilege", "internal-services", "plain-listeners", "tls-only")
EVASIONS = [one for one in cases("evasions") if one.rule in HOLES]


def of_another_team() -> list[Resource]:
    """As their handbook has it: a web service with its address, its database's parameters, a bucket and a role."""
    container: dict[str, Value] = {
        "name": "web",
        "image": "ghcr.io/team/web:1.4.2",
        "ports": [{"containerPort": 8080}],
        "env": [{"name": "PORT", "value": "8080"}, {"name": "MAX_TOKENS", "value": "4096"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}},
    }
    template: dict[str, Value] = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    selector: dict[str, Value] = {"matchLabels": {"app": "web"}}
    return [
        in_cluster("apps/v1:Deployment", "web", {"spec": {"replicas": 2, "selector": selector, "template": template}}),
        in_cluster("core/v1:Service", "web", {"spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
        in_cluster("core/v1:ConfigMap", "web", {"data": {"LOG_LEVEL": "info", "GIT_SHA": "a" * 20 + "0123456789" * 2}}),
        in_aws("s3/bucket:Bucket", "images", {}),
        in_aws(
            "rds/parameterGroup:ParameterGroup",
            "db",
            {"family": "mysql8.0", "parameters": [{"name": "require_secure_transport", "value": "ON"}]},
        ),
        in_aws("route53/record:Record", "mail", {"name": "example.com", "type": "MX", "ttl": 3600}),
    ]


def found(profile: str, stack: list[Resource]) -> list[Finding]:
    return Pack(RULES, dict(PROFILES[profile])).findings(stack)


def test_no_profile_names_a_rule_that_does_not_exist() -> None:
    assert unknown(RULES) == set()
    assert set(PROFILES) == {"baseline", "restricted"}


def test_a_good_workload_of_another_team_passes_baseline() -> None:
    assert found("baseline", of_another_team()) == []


def test_an_empty_stack_passes_both_profiles() -> None:
    assert found("baseline", []) == []
    assert found("restricted", []) == []


def test_the_compliant_stack_passes_restricted_without_a_number_of_its_own() -> None:
    assert found("restricted", list(COMPLIANT.values())) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_a_privileged_pod_is_stopped_by_both_profiles(profile: str) -> None:
    path = "/spec/template/spec/containers/0/securityContext/privileged"
    stack = broken(COMPLIANT, Break("deployment", path, True)).values()
    assert ("pod-security", "mandatory") in {(one.rule, one.level) for one in found(profile, list(stack))}


def test_root_is_stopped_by_restricted_and_not_by_baseline() -> None:
    stack = list(broken(COMPLIANT, Break("deployment", "/spec/template/spec/securityContext/runAsNonRoot")).values())
    assert found("baseline", stack) == []
    assert {one.rule for one in found("restricted", stack)} == {"pod-security"}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("case", EVASIONS, ids=lambda case: f"{case.rule}-{case.says}")
def test_a_hole_is_stopped_by_both_profiles(profile: str, case: object) -> None:
    assert isinstance(case, type(EVASIONS[0]))
    assert (case.rule, "mandatory") in {(one.rule, one.level) for one in found(profile, case.stack())}


def test_what_no_rule_reads_is_told_under_baseline_and_stops_under_restricted() -> None:
    stack = [in_aws("dynamodb/table:Table", "jobs", {})]
    assert [(one.rule, one.level) for one in found("baseline", stack)] == [("unread-resources", "advisory")]
    assert [(one.rule, one.level) for one in found("restricted", stack)] == [("unread-resources", "mandatory")]


def test_the_profiles_are_read_only() -> None:
    with pytest.raises(TypeError):
        BASELINE["all"] = {}  # type: ignore[index]
    assert RESTRICTED["all"] == {"enforcementLevel": "mandatory"}
