"""The variables of blog-ai's document (E14), each in force or refused by name, and the defaults of its stacks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest
import sentry_sdk
from blog_site import BlogFleet, MakeBlog
from conftest import run_app
from recorded import ASSIGNMENT, context, provider

from app.access.tiers import Tier
from app.blog_ai.application import PART
from app.blog_ai.settings import BlogSettings
from app.database import Database
from app.lifecycle import Lifecycle
from app.process_settings import ConfigurationError, Environment, LogLevel, load
from app.processors import processors, workers_problem
from app.services import build
from app.telemetry.reporting import report_errors
from app.writers.desk import desk

pytestmark = pytest.mark.requirement("E14")
DATABASE = "postgresql://blog:secret@pooler:6543/blog"
REQUIRED = {"DATABASE_URL": DATABASE, "DATABASE_URL_DIRECT": "postgresql://blog:secret@server:5432/blog"}
# Config map and secret of the document, and its recommended variables (004:963-1020, 1647-1693, 1886-1889, 1509-1512).
DOCUMENT = {
    "ENVIRONMENT": "production",
    "LOG_LEVEL": "INFO",
    "LOG_FORMAT_JSON": "true",
    "REQUEST_LOGGING_ENABLED": "true",
    "BACKEND_PORT": "8000",
    "FRONTEND_PORT": "3000",
    "UVICORN_WORKERS": "2",
    "DEV_MODE": "false",
    "RATE_LIMIT_ENABLED": "true",
    "RATE_LIMIT_GENERAL": "60",
    "RATE_LIMIT_GENERATION": "10",
    "HTTPS_REDIRECT_ENABLED": "true",
    "SECURITY_ENABLED": "true",
    "SECURITY_HSTS_ENABLED": "true",
    "OPENAI_MODEL": "gpt-4",
    "ANTHROPIC_MODEL": "claude-3-opus-20240229",
    "OPENAI_API_KEY": "sk-one",
    "ANTHROPIC_API_KEY": "sk-two",
    "GEMINI_API_KEY": "three",
    "STRIPE_SECRET_KEY": "sk_live_canary",
    "STRIPE_WEBHOOK_SECRET": "whsec_canary-of-the-endpoint",
    "STRIPE_PRICE_ID_STARTER": "price_1",
    "STRIPE_PRICE_ID_PRO": "price_2",
    "STRIPE_PRICE_ID_BUSINESS": "price_3",
    "SENTRY_DSN": "https://key@sentry.example/1",
    "SENTRY_ENVIRONMENT": "production",
    "SENTRY_RELEASE": "blog-ai@1.0.0",
    "SENTRY_TRACES_SAMPLE_RATE": "0.1",
    "SENTRY_PROFILES_SAMPLE_RATE": "0.1",
    "SERP_API_KEY": "serp-canary",
    "TAVILY_API_KEY": "tvly-canary",
    "STABILITY_API_KEY": "sk-canary-of-stability",
    "REDIS_URL": "redis://blog-ai-redis:6379/0",
    "REDIS_CACHE_TTL": "3600",
    "ALLOWED_ORIGINS": "https://yourdomain.com,https://api.yourdomain.com",
    "LLM_RATE_LIMIT_ENABLED": "true",
    "LLM_RATE_LIMIT_PER_MINUTE": "60",
    "LLM_RATE_LIMIT_MAX_QUEUE": "100",
    "LLM_RATE_LIMIT_MAX_WAIT": "60.0",
    "DATABASE_POOL_SIZE": "10",
    "DATABASE_POOL_OVERFLOW": "20",
    "DATABASE_POOL_TIMEOUT": "30",
    "DATABASE_POOL_RECYCLE": "1800",
    **REQUIRED,
}
# A value that is not the default, the field that must have it, and its value there.
OTHERS: Mapping[str, tuple[str, str, object]] = {
    "ENVIRONMENT": ("development", "environment", Environment.DEV),
    "LOG_LEVEL": ("debug", "log_level", LogLevel.DEBUG),
    "LOG_FORMAT_JSON": ("false", "log_format_json", False),
    "REQUEST_LOGGING_ENABLED": ("false", "request_logging_enabled", False),
    "BACKEND_PORT": ("8001", "ports", (8001, 3000)),
    "FRONTEND_PORT": ("3001", "ports", (8000, 3001)),
    "UVICORN_WORKERS": ("3", "uvicorn_workers", 3),
    "DEV_MODE": ("true", "dev_mode", True),
    "RATE_LIMIT_ENABLED": ("false", "rate_limit_enabled", False),
    "RATE_LIMIT_GENERAL": ("7", "rate_limit_per_minute", 7),
    "RATE_LIMIT_GENERATION": ("3", "rate_limit_generate_per_minute", 3),
    "HTTPS_REDIRECT_ENABLED": ("true", "https_redirect_enabled", True),
    "SECURITY_ENABLED": ("false", "response_headers", {}),
    "SECURITY_HSTS_ENABLED": ("false", "security_hsts_enabled", False),
    "STRIPE_PRICE_ID_STARTER": ("price_9", "tiers_by_price", {"price_9": Tier.STARTER}),
    "STRIPE_PRICE_ID_PRO": ("price_9", "tiers_by_price", {"price_9": Tier.PRO}),
    "STRIPE_PRICE_ID_BUSINESS": ("price_9", "tiers_by_price", {"price_9": Tier.BUSINESS}),
    "STRIPE_WEBHOOK_SECRET": ("whsec_0123456789", "stripe_webhook_secrets", ("whsec_0123456789",)),
    "SENTRY_ENVIRONMENT": ("canary", "reported_as", ("canary", "dev")),
    "SENTRY_RELEASE": ("blog-ai@9", "reported_as", ("local", "blog-ai@9")),
    "SENTRY_TRACES_SAMPLE_RATE": ("0.5", "traces_sample_rate", 0.5),
    "SENTRY_PROFILES_SAMPLE_RATE": ("0.5", "sentry_profiles_sample_rate", 0.5),
    "REDIS_CACHE_TTL": ("60", "cache_seconds", 60),
    "ALLOWED_ORIGINS": ("https://a.b, https://c.d", "cors_origins", ("https://a.b", "https://c.d")),
    "LLM_RATE_LIMIT_ENABLED": ("false", "llm_rate_limit_enabled", False),
    "LLM_RATE_LIMIT_PER_MINUTE": ("6", "llm_rate_limit_per_minute", 6),
    "LLM_RATE_LIMIT_MAX_QUEUE": ("5", "llm_queue_limit", 5),
    "LLM_RATE_LIMIT_MAX_WAIT": ("4.5", "llm_queue_wait_seconds", 4.5),
    "DATABASE_POOL_SIZE": ("9", "database_pool_size", 9),
    "DATABASE_POOL_OVERFLOW": ("8", "database_max_overflow", 8),
    "DATABASE_POOL_TIMEOUT": ("7", "database_pool_timeout_seconds", 7),
    "DATABASE_POOL_RECYCLE": ("600", "database_pool_recycle_seconds", 600),
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*DOCUMENT, "SECRETS_DIR", "PORT"):
        monkeypatch.delenv(name, raising=False)


def loaded(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> BlogSettings:
    for name, value in {**REQUIRED, **variables}.items():
        monkeypatch.setenv(name, value)
    return load(BlogSettings)


def test_the_documents_production_is_understood_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(monkeypatch, DOCUMENT)
    assert (found.environment, found.keys_required, found.closed) == (Environment.PROD, True, True)
    assert (found.ports, found.uvicorn_workers) == ((8000, 3000), 2)
    assert (found.rate_limit_per_minute, found.rate_limit_generate_per_minute) == (60, 10)
    assert (found.database_pool_size, found.database_max_overflow) == (10, 20)
    assert found.llm_providers == ("openai", "anthropic", "gemini") and found.writing_problem is None
    assert set(found.llm_models["openai"].values()) == {"gpt-4"}  # type: ignore[index]
    assert set(found.llm_models["anthropic"].values()) == {"claude-3-opus-20240229"}  # type: ignore[index]
    assert found.payments is not None and found.payments.url == "https://api.stripe.com/v1/balance"
    assert found.tiers_by_price == {"price_1": "starter", "price_2": "pro", "price_3": "business"}
    assert found.reported_as == ("production", "blog-ai@1.0.0")


@pytest.mark.parametrize("name", OTHERS)
def test_each_variable_of_the_document_is_in_force(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    value, field, expected = OTHERS[name]
    before = getattr(loaded(monkeypatch, {}), field)
    assert before != expected, "the default would hide a variable that is ignored"
    assert getattr(loaded(monkeypatch, {name: value}), field) == expected


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SUPABASE_URL": "https://x.supabase.co"}, "SUPABASE_URL: .*give DATABASE_URL"),
        ({"SUPABASE_SERVICE_ROLE_KEY": "eyJ-canary"}, "SUPABASE_SERVICE_ROLE_KEY: .*give DATABASE_URL"),
        ({"TAVILY_BASE_URL": "ftp://127.0.0.1"}, "TAVILY_BASE_URL: "),
        ({"SERP_BASE_URL": "127.0.0.1"}, "SERP_BASE_URL: "),
        ({"STABILITY_BASE_URL": "https://127.0.0.1/?a=b"}, "STABILITY_BASE_URL: "),
        ({"REDIS_MAX_MEMORY": "256mb"}, "REDIS_MAX_MEMORY: is a setting of the Redis server"),
        ({"REDIS_EVICTION_POLICY": "allkeys-lru"}, "REDIS_EVICTION_POLICY: is a setting of the Redis server"),
        ({"STRIPE_PRICE_ID_PRO": "prod_1"}, "STRIPE_PRICE_ID_PRO: must be the id of a price"),
        (
            {"STRIPE_PRICE_ID_STARTER": "price_1", "STRIPE_PRICE_ID_PRO": "price_1"},
            "STRIPE_PRICE_ID_PRO: is the price of STRIPE_PRICE_ID_STARTER too",
        ),
        ({"FRONTEND_PORT": "8000"}, "FRONTEND_PORT: must not be BACKEND_PORT"),
        (
            {"ENVIRONMENT": "production", "SECURITY_ENABLED": "false"},
            "SECURITY_ENABLED: must be true in staging and prod",
        ),
        ({"ENVIRONMENT": "production", "DEV_MODE": "true"}, "DEV_MODE: must be false in staging and prod"),
        ({"ENVIRONMENT": "production", "ALLOWED_ORIGINS": "*"}, "ALLOWED_ORIGINS: origins must begin with https://"),
        (
            {"OPENAI_MODEL": "gpt-4", "LLM_MODELS": '{"openai": {"cost": "x"}}'},
            "OPENAI_MODEL: LLM_MODELS names models of openai too",
        ),
    ],
)
def test_a_value_that_cannot_be_in_force_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        loaded(monkeypatch, variables)
    assert "canary" not in str(refused.value)


@pytest.mark.requirement("E10")
@pytest.mark.parametrize(
    ("environment", "workers"),
    [("local", 1), ("dev", 1), ("development", 1), ("staging", 2), ("prod", 2), ("production", 2)],
)
def test_server_processes_are_one_in_development_and_two_in_production(
    monkeypatch: pytest.MonkeyPatch, environment: str, workers: int
) -> None:
    assert loaded(monkeypatch, {"ENVIRONMENT": environment}).uvicorn_workers == workers


@pytest.mark.requirement("E10")
@pytest.mark.parametrize(("available", "most"), [(0.5, 2), (1, 3), (2, 5), (4, 9)])
def test_server_processes_are_at_most_twice_the_processors_and_one(available: float, most: int) -> None:
    assert workers_problem(most, available) is None
    problem = workers_problem(most + 1, available)
    assert problem is not None and problem.startswith(f"UVICORN_WORKERS: {most + 1} is more than 2 x ")


@pytest.mark.requirement("E10")
@pytest.mark.parametrize(("text", "share"), [("50000 100000\n", 0.5), ("max 100000\n", None), (None, None)])
def test_the_containers_limit_counts_as_its_processors(tmp_path: object, text: str | None, share: float | None) -> None:
    limit = tmp_path / "cpu.max"  # type: ignore[operator]
    if text is not None:
        limit.write_text(text)
    there = processors(tmp_path / "none")  # type: ignore[operator]
    assert there >= 1
    assert processors(limit) == (there if share is None else share)


def test_sentry_hears_the_documents_environment_and_release(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: dict[str, object] = {}
    monkeypatch.setattr(sentry_sdk, "init", lambda **values: begun.update(values))
    assert report_errors(loaded(monkeypatch, DOCUMENT), str)
    assert (begun["environment"], begun["release"]) == ("production", "blog-ai@1.0.0")
    assert (begun["traces_sample_rate"], begun["profiles_sample_rate"]) == (0.1, 0.1)


def test_the_limits_of_callers_without_a_key_are_the_documents_and_there_is_none_by_the_hour(
    make_blog: MakeBlog,
) -> None:
    client = make_blog(rate_limit_enabled=True)
    reply = client.get("/jobs", params={"client_id": "acme"})
    assert reply.headers["x-ratelimit-limit"] == "60"
    assert reply.headers["ratelimit-policy"] == '"minute";q=60;w=60'
    body = {"topic": "Tea at home", "content_type": "blog", "client_id": "acme"}
    answers = [client.post("/generate", json=body) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [202] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_security_headers_are_sent_unless_they_are_switched_off_outside_production(make_blog: MakeBlog) -> None:
    assert make_blog().get("/health").headers["x-frame-options"] == "DENY"
    assert "x-frame-options" not in make_blog(security_enabled=False).get("/health").headers


def test_the_origins_of_the_document_may_use_the_api(make_blog: MakeBlog) -> None:
    client = make_blog(allowed_origins="https://yourdomain.com")
    asked = {"Origin": "https://yourdomain.com"}
    assert client.get("/health", headers=asked).headers["access-control-allow-origin"] == "https://yourdomain.com"


def test_the_named_model_writes_every_text(make_blog: MakeBlog, blog_url: str) -> None:
    async def written(settings: BlogSettings) -> None:
        services = build(settings, Lifecycle())
        try:
            async with desk(services) as work:
                await work.write(ASSIGNMENT, context())
        finally:
            await services.close()

    with provider("openai") as openai:
        settings = BlogSettings(
            database_url=blog_url,
            database_url_direct=blog_url,
            openai_api_key="canary-key",
            openai_base_url=openai.url,
            openai_model="gpt-4",
        )  # type: ignore[arg-type]
        asyncio.run(written(settings))
        asked = json.loads(openai.seen[0].body)
        assert asked["model"] == "gpt-4"
        assert "response_format" not in asked, "this model refuses JSON mode"


def test_production_without_a_key_of_a_provider_is_refused_by_name(blog_fleet: BlogFleet) -> None:
    refused = run_app(blog_fleet.fleet, "serve", "--role", "blog-ai", ENVIRONMENT="production")
    assert refused.returncode == 2
    assert "configuration: LLM_PROVIDERS: " in refused.stderr


def test_the_api_has_the_health_bodies_of_the_document(make_blog: MakeBlog) -> None:
    client = make_blog()
    assert client.get("/health").json() == {"status": "healthy"}
    database = client.get("/health/db").json()["database"]
    assert database["connected"] is True and database["latency_ms"] > 0
    assert client.get("/health/cache").json() == {"cache": {"connected": True}}
    assert client.get("/health/stripe").json() == {"stripe": {"connected": False}}
    assert client.get("/health/sentry").json() == {"sentry": {"active": False}}
    assert client.get("/docs").status_code == 200
    assert {"/generate", "/webhooks/stripe"} <= {
        getattr(route, "path", "") for router in PART.routers for route in router.routes
    }


@pytest.mark.requirement("E09")
def test_the_pool_is_built_from_the_documents_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(monkeypatch, DOCUMENT)
    pool = Database(found).writer.pool
    assert (pool.size(), pool._max_overflow, pool._timeout, pool._recycle) == (10, 20, 30, 1800)  # type: ignore[attr-defined]


@pytest.mark.requirement("E09")
def test_without_a_figure_a_process_has_the_connections_that_twenty_of_them_may_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = loaded(monkeypatch, {})
    assert (found.database_pool_size, found.database_max_overflow) == (5, 5)
