"""Defaults of the documents where a deployment says nothing: the numbers as they stand there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import asyncpg
import httpx
import pytest
import redis
from conftest import Fleet, Servers, apart, eventually
from prometheus_client import REGISTRY
from pydantic import SecretStr
from starlette.testclient import TestClient
from test_http import figures

from app.access.keys import CACHE_SECONDS
from app.api.admin import CLEARED_AT_ONCE
from app.cache import Cache
from app.process_settings import Environment
from app.redis_link import RedisLink
from app.settings import Settings

MakeClient = Callable[..., TestClient]
ADMIN = {"allowed_admin_ips": "203.0.113.0/24", "admin_token": "an-administrators-token"}
AS_ADMIN = {"X-Admin-Token": "an-administrators-token"}
BODY = {"topic": "Growing tomatoes on a balcony", "content_type": "social", "client_id": "acme"}


@pytest.fixture
def defaults(servers: Servers) -> Settings:
    """Settings of a deployment that only says where its database is."""
    url = servers.database_url("postgres")
    return Settings(database_url=url, database_url_direct=url)  # type: ignore[arg-type]


@pytest.mark.requirement("A09")
def test_a_value_is_kept_a_minute_in_the_process_and_an_hour_in_redis(
    defaults: Settings, servers: Servers, empty_redis: None
) -> None:
    async def scenario() -> None:
        link = RedisLink(SecretStr(servers.redis_url), 1)
        cache = Cache(link, defaults.cache_local_seconds, defaults.cache_seconds)
        await cache.put("name", "text")
        store = redis.Redis.from_url(servers.redis_url)
        assert 3590 <= store.ttl("cache:name") <= 3600
        assert 59 < cache._local["name"].until - time.monotonic() <= 60
        store.set("cache:name", "newer")
        assert await cache.get("name") == "text", "from the process while its minute lasts"
        cache._local["name"] = type(cache._local["name"])("text", time.monotonic() - 0.001)
        assert await cache.get("name") == "newer", "from Redis after it"
        await link.close()

    apart(scenario())


@pytest.mark.requirement("A10")
def test_an_address_has_100_requests_a_minute_1000_an_hour_and_10_texts(defaults: Settings) -> None:
    assert (defaults.rate_limit_per_minute, defaults.rate_limit_per_hour) == (100, 1000)
    assert defaults.rate_limit_generate_per_minute == 10
    assert defaults.rate_limit_enabled is True


@pytest.mark.requirement("E02")
def test_a_body_has_ten_megabytes_and_development_mode_is_off(defaults: Settings) -> None:
    assert defaults.max_body_bytes == 10 * 2**20
    assert defaults.dev_mode is False
    url = defaults.database_url.get_secret_value()
    with pytest.raises(ValueError, match="must be false in staging and prod"):
        Settings(database_url=url, database_url_direct=url, environment="prod", dev_mode=True)  # type: ignore[arg-type]


@pytest.mark.requirement("A08")
def test_a_request_is_slow_after_five_seconds(defaults: Settings) -> None:
    assert defaults.slow_request_seconds == 5


@pytest.mark.requirement("E06")
def test_a_text_is_cached_a_day_a_key_five_minutes_and_a_session_lasts_an_hour(defaults: Settings) -> None:
    assert (defaults.llm_cache_seconds, CACHE_SECONDS, defaults.session_seconds) == (86_400, 300, 3600)


@pytest.mark.requirement("A06")
def test_the_gauges_say_what_is_so(make_client: MakeClient, database_url: str) -> None:
    before = answered()
    client = make_client()
    for number in range(3):
        assert client.post("/generate", json={**BODY, "topic": f"Topic number {number}"}).status_code == 202

    async def one_begins() -> None:
        connection = await asyncpg.connect(database_url)
        try:
            begun = "UPDATE pgqueuer SET status = 'picked', heartbeat = now() WHERE id = (SELECT min(id) FROM pgqueuer)"
            await connection.execute(begun)
        finally:
            await connection.close()

    apart(one_begins())
    value = {name: lambda name=name: figures(client.get("/metrics").text, name).get("", 0) for name in GAUGES}
    assert eventually(lambda: (value["queue_size"](), value["active_jobs"]()) == (2, 1))
    assert value["memory_usage_bytes"]() > 10 * 2**20
    assert 0 < value["cpu_usage_percent"]() < 10_000
    assert value["active_connections"]() >= 1, "this very request"
    requests, timed = answered()
    assert (requests - before[0], timed - before[1]) == (3, 3)
    text = client.get("/metrics").text
    assert f'http_requests_total{{endpoint="/generate",method="POST",status="202"}} {requests}' in text
    assert f'http_request_duration_seconds_count{{endpoint="/generate",method="POST"}} {timed}' in text


def answered() -> tuple[float, float]:
    """Accepted jobs that this process has counted, and those that it has timed: other tests count here too."""
    of = {"endpoint": "/generate", "method": "POST"}
    requests = REGISTRY.get_sample_value("http_requests_total", {**of, "status": "202"}) or 0.0
    return requests, REGISTRY.get_sample_value("http_request_duration_seconds_count", of) or 0.0


GAUGES = ("queue_size", "active_jobs", "memory_usage_bytes", "cpu_usage_percent", "active_connections")


@pytest.mark.requirement("A11")
def test_who_is_no_proxy_of_ours_cannot_forge_an_address_where_there_are_proxies(make_client: MakeClient) -> None:
    proxies = {"trusted_proxies": "192.0.2.0/24", "allowed_admin_ips": "198.51.100.7"}
    client = make_client(admin_token=ADMIN["admin_token"], **proxies)
    forged = {"X-Forwarded-For": "198.51.100.7", **AS_ADMIN}
    assert client.get("/admin/queue", headers=forged).status_code == 403


@pytest.mark.requirement("D02")
def test_every_failed_job_is_cleared_and_no_other(make_client: MakeClient, database_url: str) -> None:
    client = make_client(**ADMIN)
    jobs = [client.post("/generate", json=BODY).json()["job_id"] for _ in range(3)]

    async def two_fail() -> None:
        connection = await asyncpg.connect(database_url)
        try:
            await connection.execute("UPDATE jobs SET status = 'failed' WHERE id <> $1", jobs[0])
        finally:
            await connection.close()

    apart(two_fail())
    assert client.get("/admin/queue", headers=AS_ADMIN).json()["failed"] == 2
    assert client.delete("/admin/jobs/failed", headers=AS_ADMIN).json() == {"cleared": 2}
    assert client.get("/admin/queue", headers=AS_ADMIN).json()["failed"] == 0
    assert [client.get(f"/status/{job}").status_code for job in jobs] == [200, 404, 404]
    assert CLEARED_AT_ONCE == 1000


@pytest.mark.requirement("E11")
@pytest.mark.parametrize(
    ("variables", "is_json", "requests", "messages"),
    [
        ({}, True, True, True),
        ({"LOG_FORMAT_JSON": "false"}, False, True, True),
        ({"REQUEST_LOGGING_ENABLED": "false"}, True, False, True),
        ({"LOG_LEVEL": "ERROR"}, True, False, False),
    ],
    ids=["defaults", "format", "requests", "level"],
)
def test_each_switch_of_the_log_does_what_it_says(
    fleet: Fleet, variables: dict[str, str], is_json: bool, requests: bool, messages: bool
) -> None:
    with fleet.process("cpm", "serve", "--role", "cpm", **variables) as (_, api):
        httpx.get(f"{api}/jobs?client_id=acme")
    lines = fleet.log("cpm").read_text().splitlines()
    assert bool(lines) is messages
    assert all(_is_json(line) for line in lines) if is_json else not any(_is_json(line) for line in lines)
    assert any("duration_ms" in line for line in lines) is requests


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


@pytest.mark.requirement("E11")
def test_the_switches_have_the_documents_defaults(defaults: Settings) -> None:
    assert (defaults.log_level, defaults.log_format_json, defaults.request_logging_enabled) == ("INFO", True, True)
    assert (defaults.rate_limit_enabled, defaults.llm_rate_limit_enabled) == (True, True)
    assert (defaults.https_redirect_enabled, defaults.security_hsts_enabled) == (False, True)
    assert (defaults.sentry_profiles_sample_rate, defaults.allowed_admin_ips) == (0.1, ())
    assert defaults.traces_sample_rate == 1.0
    assert defaults.model_copy(update={"environment": Environment.PROD}).traces_sample_rate == 0.1


@pytest.mark.requirement("E11")
def test_hsts_can_be_switched_off(make_client: MakeClient) -> None:
    assert "Strict-Transport-Security" in make_client().get("/health").headers
    assert "Strict-Transport-Security" not in make_client(security_hsts_enabled=False).get("/health").headers


@pytest.mark.requirement("E07")
def test_a_provider_is_asked_60_times_a_minute_and_100_wait_for_60_seconds(defaults: Settings) -> None:
    assert defaults.llm_rate_limit_enabled is True
    assert defaults.llm_rate_limit_per_minute == 60
    assert (defaults.llm_queue_limit, defaults.llm_queue_wait_seconds) == (100, 60)


@pytest.mark.requirement("E07")
def test_production_has_a_provider_with_a_key_or_says_that_made_up_texts_will_do(defaults: Settings) -> None:
    assert defaults.writing_problem is None
    for environment in (Environment.STAGING, Environment.PROD):
        alone = defaults.model_copy(update={"environment": environment})
        assert "name a provider and give its key" in (alone.writing_problem or "")
        assert alone.model_copy(update={"allow_embedded_writer": True}).writing_problem is None


@pytest.mark.requirement("Y01")
def test_the_headers_are_the_documents_word_by_word(make_client: MakeClient) -> None:
    headers = make_client().get("/health").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-XSS-Protection"] == "1; mode=block"
    assert headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
