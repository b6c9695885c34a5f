"""Blog-ai as document E wants it, on what its stacks declare."""

from __future__ import annotations

import pytest

from infra.settings.payments import PaymentSettings
from infra.settings.research import ResearchSettings
from ops.stack_files import planned, read
from tests.products.support import CONTAINER, deployment, variables
from tests.unit.engine import RecordingEngine
from tests.unit.program import ROOT, Declare, declared

PROD, LOCAL = "blog-ai-prod", "blog-ai-local"
NAME = "blog-ai"


@pytest.mark.requirement("K01")
@pytest.mark.requirement("Z05")
def test_one_image_has_the_back_end_on_8000_and_the_page_on_3000(declare: Declare) -> None:
    for stack in (PROD, LOCAL):
        (one,) = (one for one in declare(stack).of("apps/v1:Deployment") if one.at("metadata", "name") != "pgbouncer")
        assert one.at("metadata", "name") == NAME
        assert one.at(*CONTAINER, "args") == ["serve", "--role", "blog-ai"]
        assert one.at(*CONTAINER, "ports") == [
            {"name": "backend", "containerPort": 8000},
            {"name": "frontend", "containerPort": 3000},
        ]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert one.at(*CONTAINER, probe, "httpGet", "port") == "backend"
        annotations = one.at("spec", "template", "metadata", "annotations")
        assert annotations == {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": "8000",
            "prometheus.io/path": "/metrics",
        }


@pytest.mark.requirement("K01")
@pytest.mark.requirement("Z05")
def test_three_services_lead_to_both_ports_to_the_back_end_and_to_the_page(declare: Declare) -> None:
    services = {
        one.at("metadata", "name"): [(port["port"], port["targetPort"]) for port in one.at("spec", "ports")]  # type: ignore[union-attr,index]
        for one in declare(PROD).of("core/v1:Service")
        if str(one.at("metadata", "name")).startswith(NAME)
    }
    assert services == {
        "blog-ai": [(8000, "backend"), (3000, "frontend")],
        "blog-ai-backend": [(80, "backend")],
        "blog-ai-frontend": [(80, "frontend")],
    }


@pytest.mark.requirement("K05")
@pytest.mark.requirement("Z05")
def test_an_instance_requests_half_a_core_and_512_mi_and_may_use_two_cores_and_2_gi(declare: Declare) -> None:
    resources = deployment(declare(PROD), NAME).at(*CONTAINER, "resources")
    assert isinstance(resources, dict)
    assert (resources["requests"]["cpu"], resources["requests"]["memory"]) == ("500m", "512Mi")
    assert (resources["limits"]["cpu"], resources["limits"]["memory"]) == ("2000m", "2Gi")


@pytest.mark.requirement("K06")
def test_production_scales_from_two_to_ten_with_two_processes_each(declare: Declare) -> None:
    engine = declare(PROD)
    (scaler,) = engine.of("HorizontalPodAutoscaler")
    assert (scaler.at("spec", "minReplicas"), scaler.at("spec", "maxReplicas")) == (2, 10)
    assert variables(engine, NAME)["UVICORN_WORKERS"] == "2"
    assert variables(declare(LOCAL), NAME)["UVICORN_WORKERS"] == "1"


@pytest.mark.requirement("Y03")
def test_ten_instances_of_two_processes_of_five_and_five_connections_are_what_a_pooler_takes(declare: Declare) -> None:
    told = variables(declare(PROD), NAME)
    assert (told["DATABASE_POOL_SIZE"], told["DATABASE_POOL_OVERFLOW"]) == ("5", "5")
    most = planned(ROOT, PROD).connections
    assert (most.pooler_clients, most.pooler_accepts) == (10 * 2 * 10, 200)
    assert (most.server, most.server_accepts) == (2 * 25 + 10 * 2 * 4 + 12 + 3, 200)


@pytest.mark.requirement("E14")
@pytest.mark.requirement("Z05")
def test_the_variables_have_the_documents_names_and_values(declare: Declare) -> None:
    told = variables(declare(PROD), NAME)
    document = {
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT_JSON": "true",
        "BACKEND_PORT": "8000",
        "FRONTEND_PORT": "3000",
        "UVICORN_WORKERS": "2",
        "RATE_LIMIT_ENABLED": "true",
        "RATE_LIMIT_GENERAL": "60",
        "RATE_LIMIT_GENERATION": "10",
        "HTTPS_REDIRECT_ENABLED": "true",
        "SECURITY_ENABLED": "true",
        "SECURITY_HSTS_ENABLED": "true",
        "ALLOWED_ORIGINS": "https://blog.example.com",
    }
    assert {name: told[name] for name in document} == document
    platform = {"RATE_LIMIT_PER_MINUTE", "RATE_LIMIT_GENERATE_PER_MINUTE", "CORS_ORIGINS", "DATABASE_MAX_OVERFLOW"}
    assert platform.isdisjoint(told)


@pytest.mark.requirement("E14")
def test_a_limit_that_the_stack_states_replaces_the_documents(declare: Declare) -> None:
    settings = read(ROOT, PROD)
    given = settings.model_copy(update={"rates": settings.rates.model_copy(update={"requests_per_minute": 90})})
    told = variables(declared(PROD, given), NAME)
    assert (told["RATE_LIMIT_GENERAL"], told["RATE_LIMIT_GENERATION"]) == ("90", "10")


@pytest.mark.requirement("E13")
def test_the_prices_of_the_tiers_and_the_accounts_keys_come_from_the_stack_file() -> None:
    payments = PaymentSettings(secret="stripe", starter="price_1A", pro="price_1B", business="price_1C")
    engine = declared(PROD, read(ROOT, PROD).model_copy(update={"payments": payments}))
    told = variables(engine, NAME)
    prices = {name: told[f"STRIPE_PRICE_ID_{name}"] for name in ("STARTER", "PRO", "BUSINESS")}
    assert prices == {"STARTER": "price_1A", "PRO": "price_1B", "BUSINESS": "price_1C"}
    assert "stripe" in secrets(engine)
    assert "stripe" not in secrets(declared(PROD, read(ROOT, PROD)))


@pytest.mark.requirement("E14")
def test_the_keys_of_research_and_pictures_come_from_a_secret_of_their_owner_where_there_is_one() -> None:
    engine = declared(PROD, read(ROOT, PROD).model_copy(update={"research": ResearchSettings(secret="research")}))
    assert "research" in secrets(engine)
    assert "research" not in secrets(declared(PROD, read(ROOT, PROD)))
    # They are asked for over HTTPS, as the providers of texts are.
    assert next(one for one in planned(ROOT, PROD).workloads if one.name == NAME).reaches_outside


def secrets(engine: RecordingEngine) -> set[object]:
    """Secrets that the pods mount."""
    volumes = deployment(engine, NAME).at("spec", "template", "spec", "volumes")
    assert isinstance(volumes, list)
    projected = next(volume["projected"] for volume in volumes if "projected" in volume)
    return {source["secret"]["name"] for source in projected["sources"]}


@pytest.mark.requirement("E08")
@pytest.mark.requirement("K01")
@pytest.mark.requirement("Z05")
def test_the_page_and_the_api_stand_under_their_own_names_and_both_hold_a_websocket_for_a_day() -> None:
    hosts = {host.name: host for host in planned(ROOT, PROD).hosts["us-east-1"]}
    assert (hosts["site"].host, set(hosts["site"].backends)) == ("blog.example.com", {"blog-ai-frontend"})
    assert (hosts["api"].host, set(hosts["api"].backends)) == ("api.blog.example.com", {"blog-ai-backend"})
    for host in (hosts["site"], hosts["api"]):
        groups = {group.name: group for backend in host.backends.values() for group in backend}
        assert (groups["live"].paths, groups["live"].timeout) == (("/ws/",), "86400s")
        assert groups["pictures"].paths == ("/pictures", "/pictures/")


@pytest.mark.requirement("K16")
def test_requests_for_one_address_go_to_one_instance(declare: Declare) -> None:
    for one in declare(PROD).of("BackendTrafficPolicy"):
        if "redirect" not in one.name:
            hashed = one.at("spec", "loadBalancer", "consistentHash")
            assert hashed == {"type": "Header", "header": {"name": ":path"}}


@pytest.mark.requirement("Z05")
def test_redis_in_the_cluster_writes_every_change_to_its_volume(declare: Declare) -> None:
    written = str(declare(LOCAL).one("core/v1:Secret", "redis-cache-secret").at("stringData", "redis.conf"))
    assert {"appendonly yes", "maxmemory 256mb", "maxmemory-policy allkeys-lru"} <= set(written.splitlines())


def test_every_object_stands_in_the_products_own_namespace(declare: Declare) -> None:
    for stack in (PROD, LOCAL):
        spaces = {one.at("metadata", "namespace") for one in declare(stack).resources if "kubernetes:" in one.type}
        assert spaces - {None} == {"blog-ai"}


@pytest.mark.requirement("O10")
def test_a_payment_that_fails_is_critical() -> None:
    (rule,) = planned(ROOT, PROD).alerts["payments"]
    assert (rule.name, rule.severity.value, rule.for_seconds) == ("PaymentsFail", "critical", 0)
    assert "stripe_payment_failures_total" in rule.expression
