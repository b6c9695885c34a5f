"""Workflow-dashboard as document B wants it, on what its stacks declare."""

from __future__ import annotations

import pytest

from infra.settings.services import ServiceSettings
from ops.stack_files import planned, read
from stacks.plan import plan
from stacks.validation import findings
from tests.products.support import deployment, variables
from tests.unit.program import ROOT, Declare, declared

PROD, STAGING, LOCAL = (f"workflow-dashboard-{environment}" for environment in ("prod", "staging", "local"))


@pytest.mark.requirement("Z02")
@pytest.mark.parametrize(("stack", "backend", "frontend"), [(PROD, 3, 2), (STAGING, 2, 1), (LOCAL, 1, 1)])
def test_both_services_have_their_fixed_number_of_instances_and_no_autoscaler(
    declare: Declare, stack: str, backend: int, frontend: int
) -> None:
    engine = declare(stack)
    assert deployment(engine, "backend").at("spec", "replicas") == backend
    assert deployment(engine, "frontend").at("spec", "replicas") == frontend
    assert engine.of("HorizontalPodAutoscaler") == engine.of("ScaledObject") == []


@pytest.mark.requirement("Z02")
def test_production_has_pgbouncer_a_read_replica_and_a_cache(declare: Declare) -> None:
    engine = declare(PROD)
    assert deployment(engine, "pgbouncer").at("spec", "replicas") == 2
    replicas = [one for one in engine.of("rds/instance:Instance") if "replicateSourceDb" in one.inputs]
    assert len(replicas) == 1
    assert len(engine.of("rds/instance:Instance")) == 2
    groups = {one.name for one in engine.of("ReplicationGroup")}
    assert groups == {"workflows-prod-use1-cache", "workflows-prod-use1-queue"}


@pytest.mark.requirement("Z02")
@pytest.mark.parametrize("stack", [PROD, STAGING, LOCAL])
def test_nothing_else_runs_beside_the_services_the_pooler_and_the_jobs(declare: Declare, stack: str) -> None:
    engine = declare(stack)
    names = {str(one.at("metadata", "name")) for one in engine.of("apps/v1:Deployment")}
    assert names == {"backend", "frontend", "pgbouncer"}
    jobs = {str(one.at("metadata", "name")) for one in engine.of("CronJob")}
    assert jobs == {"backup", "restore-check", "maintenance-daily", "maintenance-weekly", "maintenance-monthly"}


def test_the_services_run_the_products_roles_on_the_documents_ports(declare: Declare) -> None:
    engine = declare(PROD)
    for name, role, port in (("backend", "workflows", 8000), ("frontend", "workflows-page", 3000)):
        container = ("spec", "template", "spec", "containers", 0)
        assert deployment(engine, name).at(*container, "args") == ["serve", "--role", role]
        assert deployment(engine, name).at(*container, "ports", 0, "containerPort") == port
        assert variables(engine, name)["PRODUCT"] == "workflow-dashboard"


def test_the_tiers_are_pro_for_the_back_end_and_standard_for_the_front_end(declare: Declare) -> None:
    engine = declare(PROD)
    for name, memory in (("backend", "1Gi"), ("frontend", "512Mi")):
        limits = ("spec", "template", "spec", "containers", 0, "resources", "limits", "memory")
        assert deployment(engine, name).at(*limits) == memory


@pytest.mark.requirement("P02")
def test_the_pool_is_20_and_40_a_process_and_fits_the_poolers_200_and_the_servers_100(declare: Declare) -> None:
    told = variables(declare(PROD), "backend")
    assert (told["DATABASE_POOL_SIZE"], told["DATABASE_MAX_OVERFLOW"]) == ("20", "40")
    most = planned(ROOT, PROD).connections
    assert (most.pooler_clients, most.pooler_accepts) == (3 * 60, 200)
    assert (most.server, most.server_accepts) == (2 * 25 + 12 + 3, 100)


def test_the_database_and_its_logins_have_the_documents_names(declare: Declare) -> None:
    engine = declare(PROD)
    main = next(one for one in engine.of("rds/instance:Instance") if "replicateSourceDb" not in one.inputs)
    assert (main.at("dbName"), main.at("username")) == ("workflow_dashboard", "workflow_admin")
    names = planned(ROOT, PROD).blueprint.database
    assert (names.service, names.owner) == ("workflow_user_", "workflow_owner_")


def test_a_client_stays_on_its_instance(declare: Declare) -> None:
    sticky = {
        str(one.at("spec", "targetRefs", 0, "name")): one.at("spec").get("loadBalancer")  # type: ignore[union-attr]
        for one in declare(PROD).of("BackendTrafficPolicy")
    }
    assert [name for name, balancer in sticky.items() if "api" in name and balancer is None] == []


def test_every_object_stands_in_the_products_own_namespace(declare: Declare) -> None:
    for stack in (PROD, STAGING, LOCAL):
        engine = declare(stack)
        spaces = {one.at("metadata", "namespace") for one in engine.resources if "kubernetes:" in one.type}
        assert spaces - {None} == {"workflow-dashboard"}
        (namespace,) = engine.of("core/v1:Namespace")
        assert namespace.at("metadata", "name") == "workflow-dashboard"


def test_calls_of_the_page_go_to_the_back_end_and_everything_else_to_the_page(declare: Declare) -> None:
    hosts = {host.name: host for host in planned(ROOT, PROD).hosts["us-east-1"]}
    paths = {
        name: [path for group in groups for path in group.paths] for name, groups in hosts["site"].backends.items()
    }
    assert paths == {"frontend": ["/", "/static/"], "backend": ["/api/"]}
    assert set(hosts["api"].backends) == set(hosts["region"].backends) == {"backend"}


def test_a_service_may_have_an_image_of_its_own_by_digest() -> None:
    own = f"registry.example.com/page@sha256:{'1' * 64}"
    settings = read(ROOT, PROD)
    given = settings.model_copy(update={"services": {"frontend": ServiceSettings(image=own)}})
    engine = declared(PROD, given)
    container = ("spec", "template", "spec", "containers", 0, "image")
    assert deployment(engine, "frontend").at(*container) == own
    assert deployment(engine, "backend").at(*container) == settings.image
    by_tag = settings.model_copy(update={"services": {"frontend": ServiceSettings(image="page:latest")}})
    wrong = [
        one for one in findings(plan(PROD, by_tag), embedded=True) if one.key == "contentgen:services.frontend.image"
    ]
    assert [one.value for one in wrong] == ["page:latest"]


def test_a_range_of_instances_is_refused_where_no_autoscaler_moves_them() -> None:
    settings = read(ROOT, PROD).model_copy(update={"services": {"backend": ServiceSettings(minimum=2, maximum=3)}})
    (wrong,) = (one for one in findings(plan(PROD, settings), embedded=True) if "services" in one.key)
    assert (wrong.key, wrong.value) == ("contentgen:services.backend", "2 to 3")
    assert "backend has no autoscaler" in wrong.allowed
