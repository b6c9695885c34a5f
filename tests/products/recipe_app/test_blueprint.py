"""Recipe-app as document D wants it, on what its stacks declare."""

from __future__ import annotations

import json
from itertools import chain

import pytest

from infra.settings.clusters import ClusterSettings
from ops.stack_files import planned, read
from tests.products.support import CONTAINER, variables
from tests.unit.engine import RecordingEngine
from tests.unit.program import CLUSTER, ROOT, Declare, declared

PROD, LOCAL = "recipe-app-prod", "recipe-app-local"


@pytest.mark.requirement("Z04")
def test_api_page_and_both_workers_run_their_roles_and_nothing_else_runs(declare: Declare) -> None:
    for stack in (PROD, LOCAL):
        engine = declare(stack)
        arguments = {one.at("metadata", "name"): one.at(*CONTAINER, "args") for one in engine.of("apps/v1:Deployment")}
        arguments.pop("pgbouncer")
        assert arguments == {
            "recipe-backend": ["serve", "--role", "recipes"],
            "frontend": ["serve", "--role", "recipes-page"],
            "ai-generation": ["worker", "--queue", "ai_generation"],
            "video-processor": ["worker", "--queue", "video_generation"],
        }
        jobs = {one.at("metadata", "name") for one in engine.of("CronJob")}
        assert jobs == {"backup", "restore-check", "maintenance-daily", "maintenance-weekly", "maintenance-monthly"}


@pytest.mark.requirement("Z04")
def test_the_api_scales_from_two_to_ten_by_70_per_cent_cpu_and_80_per_cent_memory(declare: Declare) -> None:
    (scaler,) = (
        one
        for one in declare(PROD).of("HorizontalPodAutoscaler")
        if one.at("spec", "scaleTargetRef", "name") == "recipe-backend"
    )
    assert (scaler.at("spec", "minReplicas"), scaler.at("spec", "maxReplicas")) == (2, 10)
    targets = [scaler.at("spec", "metrics", at, "resource", "target", "averageUtilization") for at in (0, 1)]
    assert targets == [70, 80]


@pytest.mark.requirement("K09")
@pytest.mark.requirement("Z04")
def test_each_queue_has_its_own_workers_one_more_above_100_and_back_below_10(declare: Declare) -> None:
    queues = {}
    for one in declare(PROD).of("ScaledObject"):
        trigger = one.at("spec", "triggers", 0, "metadata")
        assert isinstance(trigger, dict)
        assert trigger["targetQueryValue"] == "100"
        assert "WHEN jobs < 10 THEN 0" in trigger["query"]
        workers = one.at("spec", "scaleTargetRef", "name")
        assert f"application_name = '{workers}-queue'" in trigger["query"]
        queues[workers] = (
            trigger["query"].partition("entrypoint = '")[2].partition("'")[0],
            one.at("spec", "maxReplicaCount"),
        )
    assert queues == {"ai-generation": ("ai_generation", 10), "video-processor": ("video_generation", 3)}


@pytest.mark.requirement("K12")
@pytest.mark.requirement("Z04")
def test_videos_are_made_on_spot_nodes_alone(declare: Declare) -> None:
    for stack in (PROD, LOCAL):
        for one in declare(stack).of("apps/v1:Deployment"):
            pod = one.at("spec", "template", "spec")
            assert isinstance(pod, dict)
            video = one.at("metadata", "name") == "video-processor"
            assert pod.get("nodeSelector") == ({"node-type": "spot"} if video else None)
            assert ("spot" in json.dumps(pod.get("tolerations"))) == video


@pytest.mark.requirement("E09")
def test_the_pool_is_a_value_of_the_config_map_by_the_documents_name(declare: Declare) -> None:
    told = variables(declare(PROD), "recipe-backend")
    assert told["DB_CONNECTION_LIMIT"] == "20"
    assert "DATABASE_POOL_SIZE" not in told
    most = planned(ROOT, PROD).connections
    assert (most.pooler_clients, most.pooler_accepts) == (10 * 20 + 10 * 5 + 3 * 5, 300)
    assert (most.server, most.server_accepts) == (2 * 25 + (10 + 3) * 4 + 12 + 3, 200)


@pytest.mark.requirement("M01")
@pytest.mark.requirement("Z04")
def test_the_budget_is_1000_dollars_a_month(declare: Declare) -> None:
    (budget,) = declare(PROD).of("budgets/budget:Budget")
    assert (budget.at("limitAmount"), budget.at("limitUnit"), budget.at("timeUnit")) == ("1000", "USD", "MONTHLY")


@pytest.mark.requirement("W04")
def test_videos_are_kept_seven_days_in_a_closed_and_logged_bucket(declare: Declare) -> None:
    engine = declare(PROD)
    (lifecycle,) = (one for one in engine.of("BucketLifecycleConfiguration") if "video" in one.name)
    expiring = {
        rule["filter"]["prefix"]: rule["expiration"]["days"]
        for rule in lifecycle.at("rules")  # type: ignore[union-attr]
        if "expiration" in rule
    }
    assert expiring == {"videos/": 7}
    for kind in ("BucketPublicAccessBlock", "BucketVersioning", "BucketServerSideEncryption", "BucketPolicy"):
        assert len([one for one in engine.resources if kind in one.type and "video" in one.name]) == 1, kind
    assert len([one for one in engine.of("BucketLogging") if one.name == "recipes-prod-logs-video"]) == 1


def on_eks(stack: str) -> RecordingEngine:
    """The stack on a cluster whose pods can prove who they are."""
    settings = read(ROOT, stack)
    clusters = {region: ClusterSettings.model_validate(CLUSTER) for region in settings.regions}
    return declared(stack, settings.model_copy(update={"clusters": clusters}))


def statements(engine: RecordingEngine, account: str) -> dict[str, list[str]]:
    """Actions that an account's role allows, by what they are allowed on."""
    (policy,) = (
        one for one in engine.of("iam/rolePolicy:RolePolicy") if one.name == f"recipes-prod-use1-{account}-grants"
    )
    document = json.loads(str(policy.at("policy")))
    return {json.dumps(one["Resource"]): one["Action"] for one in document["Statement"]}


@pytest.mark.requirement("X01")
def test_each_process_may_do_with_the_bucket_what_it_does_and_no_more() -> None:
    engine = on_eks(PROD)
    found = {
        account: sorted(chain.from_iterable(statements(engine, account).values()))
        for account in ("recipe-backend", "video-processor")
    }
    assert found == {
        "recipe-backend": ["kms:Decrypt", "s3:DeleteObject", "s3:GetObject"],
        "video-processor": ["kms:Decrypt", "kms:GenerateDataKey", "s3:AbortMultipartUpload", "s3:PutObject"],
    }
    told = {name: variables(engine, name) for name in ("recipe-backend", "video-processor", "ai-generation")}
    assert [name for name, one in told.items() if "VIDEO_BUCKET" in one] == ["recipe-backend", "video-processor"]


@pytest.mark.requirement("K17")
def test_maintenance_may_archive_and_read_back_and_remove_stray_videos() -> None:
    engine = on_eks(PROD)
    for when in ("daily", "weekly", "monthly"):
        allowed = statements(engine, f"maintenance-{when}")
        written = next(one for one, actions in allowed.items() if "/archive/*" in one and actions == ["s3:PutObject"])
        assert "/config/*" in written
        assert [actions for one, actions in allowed.items() if "/archive/*" in one] == [
            ["s3:PutObject"],
            ["s3:GetObject"],
        ]
        assert ["s3:ListBucket"] in allowed.values()
        assert "s3:DeleteObject" in chain.from_iterable(allowed.values())
        assert not any("s3:DeleteObject" in actions for resource, actions in allowed.items() if "/db/" in resource)


def test_administration_is_reached_only_from_the_networks_of_the_stack_file() -> None:
    hosts = {host.name: host for host in planned(ROOT, PROD).hosts["us-east-1"]}
    paths = [path for groups in hosts["api"].backends.values() for group in groups for path in group.paths]
    assert "/api/recipes" in paths
    assert not any(path.startswith("/api/admin") or path == "/api/" for path in paths)
