"""Properties of every reply: headers, hosts, schemes, documents, figures, log lines."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from conftest import Fleet, Servers, apart, create_database, eventually
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from under_load import run_sql

from app.api.application import Role, create
from app.database import Database
from app.headers import SECURITY_HEADERS
from app.process_settings import ConfigurationError
from app.settings import Settings, load_settings
from ops.log_queries import QUERIES, answer, slow

MakeClient = Callable[..., TestClient]
BODY = {"topic": "Growing tomatoes on a balcony", "content_type": "social", "client_id": "acme"}


@pytest.mark.requirement("Y01")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/nowhere", 404),
        ("PUT", "/health", 405),
        ("POST", "/generate", 422),
        ("GET", "/status/nonsense", 404),
        ("GET", "/metrics", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/admin/queue", 403),
    ],
)
def test_every_reply_carries_the_security_headers_once(client: TestClient, method: str, path: str, status: int) -> None:
    reply = client.request(method, path)
    assert reply.status_code == status
    for name, value in SECURITY_HEADERS.items():
        assert reply.headers.get_list(name) == [value]
    assert "server" not in reply.headers


@pytest.mark.requirement("Y01")
def test_a_broken_route_answers_500_with_headers_and_without_its_inside(settings: Settings) -> None:
    app = create(settings, Role.CPM)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the canary of the inside")

    with TestClient(app, raise_server_exceptions=False) as client:
        reply = client.get("/broken")
    assert reply.status_code == 500
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert reply.headers["content-type"] == "application/problem+json"
    assert "canary" not in reply.text and "Traceback" not in reply.text


def test_a_deployment_can_state_the_headers_itself_and_switch_hsts_off(make_client: MakeClient) -> None:
    client = make_client(security_headers={"X-Frame-Options": "SAMEORIGIN"})
    assert client.get("/health").headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "Strict-Transport-Security" not in make_client(security_hsts_enabled=False).get("/health").headers


@pytest.mark.requirement("E02")
@pytest.mark.requirement("E11")
def test_production_has_no_documents_and_no_debug_routes(make_client: MakeClient) -> None:
    closed, opened = make_client(environment="prod"), make_client(environment="dev")
    for path in ("/docs", "/redoc", "/openapi.json", "/config-status", "/debug-sentry"):
        assert closed.get(path).status_code == 404, path
    for path in ("/docs", "/redoc", "/openapi.json", "/config-status"):
        assert opened.get(path).status_code == 200, path


def test_the_open_configuration_shows_no_secret(make_client: MakeClient) -> None:
    text = make_client(admin_token="canary-of-sixteen-letters").get("/config-status").text
    assert "postgres-password" not in text and "canary-of" not in text


@pytest.mark.requirement("E02")
@pytest.mark.requirement("E11")
def test_plain_http_is_redirected_except_for_probes(make_client: MakeClient) -> None:
    client = make_client(https_redirect_enabled=True, trusted_proxies="203.0.113.9/32")
    reply = client.get("/jobs?client_id=a", follow_redirects=False)
    assert reply.status_code == 308
    assert reply.headers["location"] == "https://testserver/jobs?client_id=a"
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert client.get("/health").status_code == 200
    assert client.get(
        "/jobs?client_id=a", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"}
    ).is_success


def test_a_foreign_host_is_refused(make_client: MakeClient) -> None:
    client = make_client(allowed_hosts="api.example.com,*.example.org")
    for host, status in (
        ("api.example.com", 200),
        ("a.example.org:8000", 200),
        ("evil.test", 400),
        ("example.org", 400),
    ):
        assert client.get("/api/health", headers={"Host": host}).status_code == status, host
    assert client.get("/health", headers={"Host": "10.0.0.7"}).status_code == 200


@pytest.mark.requirement("E02")
def test_only_listed_origins_may_read_replies(make_client: MakeClient) -> None:
    client = make_client(cors_origins="https://www.example.com")
    good = client.get("/api/health", headers={"Origin": "https://www.example.com"})
    assert good.headers["Access-Control-Allow-Origin"] == "https://www.example.com"
    assert (
        "Access-Control-Allow-Origin" not in client.get("/api/health", headers={"Origin": "https://evil.test"}).headers
    )


@pytest.mark.requirement("A07")
def test_figures_carry_route_templates_and_never_raw_paths(client: TestClient) -> None:
    client.get("/status/use1-01a20211-d439-74c8-b554-ee43073a2514")
    client.get("/surprising-path-1")
    client.request("BREW", "/surprising-path-2")
    text = client.get("/metrics").text
    assert 'http_requests_total{endpoint="/status/{job_id}",method="GET",status="404"}' in text
    assert "surprising" not in text and "01a20211" not in text and "BREW" not in text


@pytest.mark.requirement("A06")
@pytest.mark.requirement("A15")
def test_the_metrics_of_the_documents_are_all_there(client: TestClient) -> None:
    client.get("/health")
    text = client.get("/metrics").text
    names = (
        "active_jobs queue_size memory_usage_bytes cpu_usage_percent active_connections http_requests_total"
        " http_request_duration_seconds_bucket content_requests_total content_errors_total"
        " process_resident_memory_bytes"
    )
    for name in names.split():
        assert f"# TYPE {name.removesuffix('_bucket')} " in text, name


@pytest.mark.requirement("A15")
def test_how_full_the_stores_are_is_told_as_their_exporters_would(
    make_client: MakeClient, servers: Servers, database_url: str
) -> None:
    limit = redis.Redis.from_url(servers.redis_url)
    before = limit.config_get("maxmemory")["maxmemory"]
    limit.config_set("maxmemory", 64 * 2**20)
    try:
        client = make_client(redis_queue_url=servers.redis_url)
        samples = eventually(lambda: figures(client.get("/metrics").text, "redis_memory_max_bytes"))
        own = database_url.rpartition("/")[2].partition("?")[0]
        assert eventually(lambda: figures(client.get("/metrics").text, "pg_stat_database_numbackends").get(own)) >= 1
        used = figures(client.get("/metrics").text, "redis_memory_used_bytes")
    finally:
        limit.config_set("maxmemory", before)
    assert samples == {"cache": 64 * 2**20, "queue": 64 * 2**20}
    assert set(used) == {"cache", "queue"} and all(0 < value < 64 * 2**20 for value in used.values())
    assert figures(client.get("/metrics").text, "pg_settings_max_connections")[""] >= 20


def figures(text: str, name: str) -> dict[str, float]:
    """The samples of a gauge by the value of its only label."""
    return {
        next(iter(sample.labels.values()), ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and (not sample.labels or sample.value)
    }


@pytest.mark.requirement("E01")
def test_health_bodies_have_the_documents_form(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "healthy"}
    database = client.get("/health/db").json()["database"]
    assert database["connected"] is True and database["latency_ms"] > 0
    assert client.get("/health/cache").json() == {"cache": {"connected": True}}
    assert client.get("/health/sentry").json() == {"sentry": {"active": False}}
    assert client.get("/health/stripe").json() == {"stripe": {"connected": False}}


@pytest.mark.requirement("B01")
def test_without_a_database_health_is_live_and_ready_says_503(make_client: MakeClient) -> None:
    gone = "postgresql://u:p@127.0.0.1:1/db"
    client = make_client(database_url=gone, database_url_direct=gone)
    assert client.get("/health").status_code == 200
    for path in ("/ready", "/api/health", "/api/ready", "/health/db"):
        assert client.get(path).status_code == 503, path
    body = client.get("/api/health").json()
    assert body["services"] == {"api": "up", "database": "down"} and "timestamp" in body
    refused = client.post("/generate", json=BODY)
    assert refused.status_code == 503 and refused.headers["Retry-After"] == "5"


@pytest.mark.requirement("A08")
def test_log_lines_are_json_with_the_fields_to_search_by(fleet: Fleet, tmp_path: Path) -> None:
    import httpx

    secret = "canary-admin-token-0123"
    with fleet.process("cpm", "serve", "--role", "cpm", ADMIN_TOKEN=secret, SLOW_REQUEST_SECONDS="0.0001") as (_, api):
        made = httpx.post(f"{api}/generate", json=BODY, headers={"X-API-Key": "", "X-Request-ID": "request-12345"})
        assert made.headers["X-Request-ID"] == "request-12345"
        httpx.post(f"{api}/generate", json={**BODY, "topic": f"about {secret}"}, headers={"X-Admin-Token": secret})
    lines = [json.loads(line) for line in fleet.log("cpm").read_text().splitlines()]
    ours = next(line for line in lines if line.get("request_id") == "request-12345")
    assert {
        "timestamp",
        "level",
        "service",
        "instance_id",
        "endpoint",
        "duration_ms",
        "client_id",
        "job_id",
    } <= ours.keys()
    assert ours["event"] == "slow request" and ours["endpoint"] == "/generate" and ours["client_id"] == "acme"
    found = answer(slow(0), fleet.log("cpm").read_text().splitlines())
    assert ("/generate", "acme") in {(row[1], row[3]) for row in found.rows}
    assert secret not in fleet.log("cpm").read_text()
    assert "postgres-password" not in fleet.log("cpm").read_text()


@pytest.mark.requirement("A08")
def test_failures_are_counted_by_kind_from_the_lines_of_a_running_process(fleet: Fleet, database_url: str) -> None:
    import httpx

    with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
        run_sql(database_url, "ALTER TABLE jobs RENAME TO others", "SELECT 1")
        for _ in range(3):
            assert httpx.post(f"{api}/generate", json=BODY).status_code == 500
    # Background tasks miss the table too.
    lines = [line for line in fleet.log("cpm").read_text().splitlines() if '"endpoint"' in line]
    (row,) = answer(QUERIES["errors"], lines).rows
    assert row[:2] == ("ProgrammingError", 3)
    assert isinstance(row[2], float) and row[2] > 0


def test_on_sigterm_ready_turns_503_before_the_listener_closes(fleet: Fleet) -> None:
    import signal

    import httpx

    with fleet.process("cpm", "serve", "--role", "cpm", DRAIN_SECONDS="2") as (process, api):
        process.send_signal(signal.SIGTERM)
        eventually(lambda: httpx.get(f"{api}/ready").status_code == 503)
        assert httpx.post(f"{api}/generate", json=BODY).status_code == 202
        assert process.wait(timeout=15) == 0


@pytest.mark.requirement("E10")
def test_two_worker_processes_share_one_port_and_one_set_of_figures(fleet: Fleet) -> None:
    import httpx

    with fleet.process("cpm", "serve", "--role", "cpm", UVICORN_WORKERS="2") as (_, api):
        for _ in range(20):
            assert httpx.get(f"{api}/api/health").status_code == 200
        text = httpx.get(f"{api}/metrics").text
    assert 'http_requests_total{endpoint="/api/health",method="GET",status="200"} 20.0' in text


def test_a_secret_file_configures_and_an_environment_variable_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "database_url").write_text("postgresql://file:x@h/d")
    (tmp_path / "database_url_direct").write_text("postgresql://file:x@h/d")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert "file" in load_settings().database_url.get_secret_value()
    monkeypatch.setenv("DATABASE_URL", "postgresql://env:x@h/d")
    assert "env" in load_settings().database_url.get_secret_value()
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "missing"))
    with pytest.raises(ConfigurationError, match="SECRETS_DIR"):
        load_settings()


@pytest.mark.requirement("B02")
def test_reads_go_to_the_replica_and_writes_to_the_primary(
    make_client: MakeClient, servers: Servers, database_url: str
) -> None:
    """The replica is another database here, so that it can be seen who answered."""
    name = f"t_{uuid4().hex[:16]}"
    apart(create_database(servers, name))
    replica = servers.database_url(name)
    there = make_client(database_url=replica, database_url_direct=replica)
    on_replica = there.post("/generate", json=BODY).json()["status_url"]
    client = make_client(database_read_url=replica)
    assert client.get(on_replica).status_code == 200
    on_primary = client.post("/generate", json=BODY).json()["status_url"]
    assert there.get(on_primary).status_code == 404, "written to the primary alone"
    assert client.get(on_primary).status_code == 200, "a job too young for the replica is looked for on the primary"


@pytest.mark.requirement("B02")
def test_without_its_replica_the_service_reads_from_the_primary(make_client: MakeClient) -> None:
    client = make_client(database_read_url="postgresql://u:p@127.0.0.1:1/db")
    url = client.post("/generate", json=BODY).json()["status_url"]
    assert client.get(url).status_code == 200
    assert client.get("/jobs?client_id=acme").json()["jobs"]
    assert 'degraded_operations_total{dependency="replica"}' in client.get("/metrics").text


@pytest.mark.requirement("B02")
@pytest.mark.requirement("E09")
def test_the_pools_have_the_documents_sizes_and_a_pool_setting_is_in_force(servers: Servers) -> None:
    url = servers.database_url("postgres")
    defaults = Settings(database_url=url, database_url_direct=url)  # type: ignore[arg-type]
    assert (defaults.database_pool_size, defaults.database_max_overflow) == (10, 20)
    assert (defaults.database_pool_timeout_seconds, defaults.database_pool_recycle_seconds) == (30, 1800)
    pool = Database(defaults.model_copy(update={"database_pool_size": 20, "database_max_overflow": 40})).writer.pool
    assert (pool.size(), pool._max_overflow, pool._recycle, pool._pre_ping) == (20, 40, 1800, True)  # type: ignore[attr-defined]


@pytest.mark.requirement("Y03")
def test_writer_and_reader_of_a_process_share_the_connections_that_are_counted_for_it() -> None:
    url, replica = (f"postgresql://a:b@{host}/c" for host in ("primary", "replica"))
    settings = Settings(database_url=url, database_url_direct=url, database_read_url=replica)  # type: ignore[arg-type]
    pools = [one.pool for one in (Database(settings).writer, Database(settings).reader)]
    assert sum(pool.size() for pool in pools) == 10  # type: ignore[attr-defined]
    assert sum(pool._max_overflow for pool in pools) == 20  # type: ignore[attr-defined]
    alone = Database(settings.model_copy(update={"database_read_url": settings.database_url}))
    assert alone.reader is alone.writer


@pytest.mark.requirement("Y01")
def test_a_refused_websocket_carries_the_security_headers_too(fleet: Fleet) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
        url = f"{api.replace('http', 'ws')}/ws/jobs/use1-01a20211-d439-74c8-b554-ee43073a2514"
        with pytest.raises(InvalidStatus) as refused:
            connect(url, origin="https://evil.test")  # type: ignore[arg-type]
        reply = refused.value.response
        assert reply.status_code == 403
        for name, value in SECURITY_HEADERS.items():
            assert reply.headers.get_all(name) == [value]
        with connect(url) as socket:
            assert socket.response is not None and socket.response.headers["X-Frame-Options"] == "DENY"
