"""Services and workers without requests: one instance outside production, and back by the first request (K10)."""

from __future__ import annotations

import pytest

from app.activity import EVERY_SECONDS
from infra.settings.errors import SettingsError
from infra.settings.stack import StackSettings
from ops.deployment import needed_tools
from ops.stack_files import read
from stacks.plan import plan
from stacks.policy_config import policy_config
from stacks.specs.idling import NOTED_SECONDS
from stacks.stack_files import parse
from tests.unit.engine import MADE_UP, Declared, Json, RecordingEngine
from tests.unit.program import ROOT, STACKS, Declare, declared

SEVERAL = {"minimum": 2, "maximum": 3}


def settings(stack: str, **values: object) -> StackSettings:
    """A stack file with other values."""
    return StackSettings.model_validate({**read(ROOT, stack).model_dump(exclude_unset=True), **values})


def scaler(engine: RecordingEngine, name: str) -> Declared:
    """The only ScaledObject of a workload, which no other autoscaler scales."""
    [found] = [one for one in engine.of("ScaledObject") if one.at("spec", "scaleTargetRef", "name") == name]
    others = [one.at("spec", "scaleTargetRef", "name") for one in engine.of("HorizontalPodAutoscaler")]
    assert name not in others
    return found


def asked(one: Declared) -> Json:
    """The query of the trigger that requests keep."""
    return one.at("spec", "triggers", -1, "metadata", "query")


def least(engine: RecordingEngine) -> dict[Json, Json]:
    """Least instances of every autoscaled workload."""
    return {
        **{one.at("metadata", "name"): one.at("spec", "minReplicas") for one in engine.of("HorizontalPodAutoscaler")},
        **{one.at("metadata", "name"): one.at("spec", "minReplicaCount") for one in engine.of("ScaledObject")},
    }


def noting(engine: RecordingEngine) -> set[str]:
    """Workloads that write the time of their last request."""
    maps = [one.at("data") for one in engine.of("ConfigMap")]
    return {str(one["SERVICE"]) for one in maps if isinstance(one, dict) and one.get("REQUESTS_NOTED") == "true"}


@pytest.mark.requirement("K10")
@pytest.mark.parametrize("stack", [name for name in STACKS if not name.endswith("prod")])
def test_outside_production_every_autoscaled_workload_goes_to_one_instance(declare: Declare, stack: str) -> None:
    assert set(least(declare(stack)).values()) <= {1}


@pytest.mark.requirement("K10")
@pytest.mark.parametrize("stack", [name for name in STACKS if name.endswith("prod")])
def test_production_keeps_its_instances_whoever_asks(declare: Declare, stack: str) -> None:
    engine = declare(stack)
    assert noting(engine) == set()
    assert [one for one in engine.of("ScaledObject") if "FROM activity" in str(one.at("spec", "triggers"))] == []
    kept = {name: number for name, number in least(engine).items() if name != "comfyui-gateway"}
    assert set(kept.values()) <= {2}


@pytest.mark.requirement("K10")
@pytest.mark.parametrize(("name", "most"), [("cpm", 5), ("im", 3)])
def test_staging_has_two_instances_while_requests_come_and_one_after_five_minutes(
    declare: Declare, name: str, most: int
) -> None:
    one = scaler(declare("staging"), name)
    assert (one.at("spec", "minReplicaCount"), one.at("spec", "maxReplicaCount")) == (1, most)
    assert [one.at("spec", "triggers", at, "type") for at in (0, 1, 2)] == ["cpu", "memory", "postgresql"]
    assert one.at("spec", "triggers", 2, "metricType") == "AverageValue"
    assert one.at("spec", "triggers", 2, "metadata", "targetQueryValue") == "1"
    assert str(asked(one)).replace(f"'{name}'", "'NAME'") == (
        "SELECT CASE WHEN EXISTS ( SELECT FROM activity WHERE asked_at > now() - interval '60 seconds' "
        "AND service = 'NAME' ) THEN 2 ELSE 1 END"
    )
    pace = ("spec", "advanced", "horizontalPodAutoscalerConfig", "behavior")
    assert one.at(*pace, "scaleDown", "stabilizationWindowSeconds") == 300
    assert one.at(*pace, "scaleUp", "stabilizationWindowSeconds") == 0
    assert noting(declare("staging")) == {"cpm", "im"}


@pytest.mark.requirement("K10")
def test_the_last_request_is_asked_for_through_the_pooler_without_named_statements(declare: Declare) -> None:
    engine = declare("staging")
    secrets = {f"{one.name}{MADE_UP}": one for one in engine.of("core/v1:Secret")}
    for name in ("cpm", "im"):
        access = scaler(engine, name).at("spec", "triggers", -1, "authenticationRef", "name")
        [login] = [one for one in engine.of("TriggerAuthentication") if one.at("metadata", "name") == access]
        [target] = login.at("spec", "secretTargetRef")  # type: ignore[misc]
        assert isinstance(target, dict)
        assert target["parameter"] == "connection"
        address = str(secrets[str(target["name"])].at("stringData", str(target["key"])))
        assert "@pgbouncer." in address
        assert address.endswith("&default_query_exec_mode=simple_protocol")


@pytest.mark.requirement("K10")
def test_a_stack_file_says_when_and_whether_services_idle() -> None:
    later = declared("staging", settings("staging", idle={"seconds": 1800}))
    assert "interval '1500 seconds'" in str(asked(scaler(later, "cpm")))
    never = declared("staging", settings("staging", idle={"enabled": False}))
    assert {name: least(never)[name] for name in ("cpm", "im")} == {"cpm": 2, "im": 2}
    assert noting(never) == set()
    assert [one.at("metadata", "name") for one in never.of("ScaledObject")] == ["worker"]


@pytest.mark.requirement("K10")
def test_a_page_and_workers_idle_with_the_whole_product() -> None:
    several = declared("staging", settings("staging", services={"worker": SEVERAL, "frontend": SEVERAL}))
    for name in ("worker", "frontend"):
        one = scaler(several, name)
        assert one.at("spec", "minReplicaCount") == 1
        assert str(asked(one)).endswith("interval '60 seconds' ) THEN 2 ELSE 1 END")
    worker = scaler(several, "worker")
    assert [worker.at("spec", "triggers", at, "metadata", "targetQueryValue") for at in (0, 1)] == ["100", "1"]
    logins = [worker.at("spec", "triggers", at, "authenticationRef", "name") for at in (0, 1)]
    assert logins == ["worker-queue", "worker-queue"]


@pytest.mark.requirement("K10")
@pytest.mark.parametrize(
    ("stack", "service"),
    [
        ("blog-ai-local", "blog-ai"),
        ("recipe-app-local", "recipe-backend"),
        ("video-gateway-local", "comfyui-gateway"),
        ("local", "cpm"),
    ],
)
def test_what_a_stack_file_makes_two_of_idles_in_every_product(stack: str, service: str) -> None:
    engine = declared(stack, settings(stack, services={service: {"minimum": 2}}))
    assert f"service = '{service}' ) THEN 2 ELSE 1 END" in str(asked(scaler(engine, service)))
    assert service in noting(engine)
    [policy] = [one for one in engine.of("NetworkPolicy") if one.at("metadata", "name") == "pgbouncer"]
    assert "'keda'" in str(policy.at("spec", "ingress"))


@pytest.mark.requirement("K10")
def test_the_policies_let_one_instance_be_only_where_requests_bring_the_others_back() -> None:
    def told(stack: str, **values: object) -> object:
        return policy_config(settings(stack, **values))["several-instances"]

    assert told("staging") == {"least": 1, "single": [], "idle": ["cpm", "im"]}
    assert told("prod") == {"least": 2, "single": [], "idle": []}
    everything = {"enabled": True}
    assert told("prod", idle=everything) == {"least": 2, "single": [], "idle": ["cpm", "im", "worker", "frontend"]}
    alone = {"cpm": {"minimum": 1}}
    assert told("prod", idle=everything, services=alone)["idle"] == ["im", "worker", "frontend"]  # type: ignore[index]


@pytest.mark.requirement("K10")
def test_a_stack_that_idles_waits_for_kedas_programs_which_alone_give_it_more_than_one_instance() -> None:
    def families(stack: str, **values: object) -> set[str]:
        return {one.name for one in needed_tools(plan(stack, settings(stack, **values)))}

    assert "keda" in families("staging")
    assert "keda" not in families("staging", idle={"enabled": False})


@pytest.mark.requirement("K10")
@pytest.mark.parametrize(
    ("idle", "words"),
    [
        ({"seconds": 299}, "contentgen:idle.seconds = 299: must be greater than or equal to 300"),
        ({"seconds": 86_401}, "contentgen:idle.seconds = 86401: must be less than or equal to 86400"),
        ({"seconds": "soon"}, "contentgen:idle.seconds = 'soon'"),
        ({"enabled": "maybe"}, "contentgen:idle.enabled = 'maybe'"),
        ({"minutes": 5}, "contentgen:idle.minutes = 5"),
    ],
)
def test_a_wrong_idle_time_is_refused_in_words(idle: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse("dev", {"environment": "dev", "domain": "example.com", "regions": ["us-east-1"], "idle": idle})
    assert words in str(refused.value)


@pytest.mark.requirement("K10")
def test_the_time_between_two_writes_is_the_one_that_the_query_allows_for() -> None:
    assert (EVERY_SECONDS, NOTED_SECONDS) == (60, 60)
