"""Health of workflow-dashboard: the document's bodies word by word, and what pods are asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import PASSWORD, USER, apart, eventually, postgres_in
from dashboard_site import MakeDashboard
from starlette.testclient import TestClient

from app.migrate import migrate
from app.workflow_dashboard.history import HISTORY
from app.workflow_dashboard.settings import DashboardSettings

DATABASE = "contentgen_template"


@pytest.fixture
def breakable(folder: Path, tmp_path: Path) -> Iterator[tuple[str, ExitStack]]:
    """The address of a migrated database whose server ends with the stack."""
    server = postgres_in(folder, f"dashboard-{tmp_path.name}")
    url = f"postgresql://{USER}:{PASSWORD}@{server.host}:{server.port}/{DATABASE}?sslmode=disable"
    with ExitStack() as stack:
        stack.enter_context(server.running())
        apart(migrate(DashboardSettings(database_url=url, database_url_direct=url), history=HISTORY))  # type: ignore[arg-type]
        yield url, stack


@pytest.mark.requirement("Z02")
def test_health_has_the_documents_body(dashboard: TestClient) -> None:
    answer = dashboard.get("/api/health")
    assert answer.status_code == 200
    body = answer.json()
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", body.pop("timestamp"))
    assert body == {"status": "healthy", "services": {"api": "up", "database": "up"}}
    assert list(answer.json()) == ["status", "timestamp", "services"]
    ready = dashboard.get("/api/ready")
    assert (ready.status_code, ready.json()) == (200, {"ready": True})


@pytest.mark.requirement("Z02")
def test_without_the_database_both_answer_503_as_the_document_has_it(
    breakable: tuple[str, ExitStack], make_dashboard: MakeDashboard
) -> None:
    url, server = breakable
    client = make_dashboard(database_url=url)
    assert client.get("/ready").json()["status"] == "ready"
    server.close()
    assert eventually(lambda: client.get("/api/health").status_code == 503)
    answer = client.get("/api/health")
    assert answer.json() == {"status": "unhealthy", "error": "The database does not answer."}
    assert PASSWORD not in answer.text and USER not in answer.text
    ready = client.get("/api/ready")
    assert (ready.status_code, ready.json()) == (503, {"ready": False})
    pod = client.get("/ready")
    assert (pod.status_code, pod.json()["status"]) == (503, "database unavailable")
    assert client.get("/health").status_code == 200, "a restart would not bring the database back"
    assert client.get("/api/workflows").status_code == 503


@pytest.mark.requirement("Z02")
def test_without_redis_the_document_is_not_ready_and_the_pod_is(make_dashboard: MakeDashboard) -> None:
    client = make_dashboard(redis_url="redis://127.0.0.1:1/0")
    ready = client.get("/api/ready")
    assert (ready.status_code, ready.json()) == (503, {"ready": False})
    assert client.get("/api/health").status_code == 200
    assert client.get("/ready").json() == {"status": "degraded", "degraded": ["redis"]}


def test_a_process_on_its_way_out_is_not_ready(dashboard: TestClient) -> None:
    dashboard.app.state.services.lifecycle.draining = True
    assert dashboard.get("/ready").json()["status"] == "draining"
    assert dashboard.get("/api/ready").status_code == 503
    assert dashboard.get("/api/workflows").status_code == 200


def test_a_pod_that_comes_before_its_migration_gets_no_traffic(
    make_dashboard: MakeDashboard, dashboard_url: str
) -> None:
    bare = re.sub(r"/d_\w+", "/postgres", dashboard_url)
    client = make_dashboard(database_url=bare)
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "waiting for migrations")


def test_the_figures_have_the_platforms_names(dashboard: TestClient) -> None:
    dashboard.get("/api/workflows")
    dashboard.get("/api/workflows")
    text = dashboard.get("/metrics").text
    for name in (
        'http_requests_total{endpoint="/api/workflows",method="GET",status="200"}',
        'http_request_duration_seconds_count{endpoint="/api/workflows",method="GET"}',
        'cache_lookups_total{level="redis",result="hit"}',
        'cache_lookups_total{level="redis",result="miss"}',
        "database_pool_connections",
        "memory_usage_bytes",
    ):
        assert name in text
    assert eventually(lambda: 'redis_memory_max_bytes{store="cache"} 6.7' in dashboard.get("/metrics").text)
    assert "pg_settings_max_connections 100.0" in dashboard.get("/metrics").text
