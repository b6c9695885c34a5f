"""Callers of workflow-dashboard: keys where they are required, owners, sessions, limits and modes."""

from __future__ import annotations

import json

import pytest
from conftest import Fleet, eventually, run_app
from dashboard_site import MakeDashboard
from starlette.testclient import TestClient
from test_dashboard_api import NOBODYS, added, made

SECRET = {"session_secret": "s" * 40}


def key_of(fleet: Fleet, client: str) -> dict[str, str]:
    """A key as an operator makes it, by the command in a pod that has only DATABASE_URL."""
    made = run_app(fleet, "keys", "create", client)
    assert made.returncode == 0, made.stdout + made.stderr
    return json.loads(made.stdout)


def header(key: dict[str, str]) -> dict[str, str]:
    return {"X-API-Key": key["secret"]}


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_staging_and_production_ask_for_a_key(make_dashboard: MakeDashboard, environment: str) -> None:
    client = make_dashboard(environment=environment)
    for method, path in (
        ("GET", "/api/workflows"),
        ("POST", "/api/workflows"),
        ("GET", f"/api/workflows/{NOBODYS}"),
        ("PATCH", f"/api/workflows/{NOBODYS}"),
        ("DELETE", f"/api/workflows/{NOBODYS}"),
        ("GET", f"/api/workflows/{NOBODYS}/tasks"),
        ("POST", f"/api/workflows/{NOBODYS}/tasks"),
        ("PATCH", f"/api/tasks/{NOBODYS}"),
    ):
        answer = client.request(method, path, json={"name": "x"} if method == "POST" else None)
        assert answer.status_code == 401, f"{method} {path}"
        assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/api/health", "/api/ready", "/health", "/ready", "/metrics"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("environment", ["local", "dev"])
def test_local_and_dev_let_guests_in(make_dashboard: MakeDashboard, environment: str) -> None:
    client = make_dashboard(environment=environment)
    workflow = made(client)
    assert workflow["user_id"] == "~guest"
    assert client.get("/api/workflows").json()[0]["id"] == workflow["id"]


@pytest.mark.requirement("B05")
def test_a_workflow_is_the_keys_clients_seen_by_all_and_changed_by_its_owner_alone(
    make_dashboard: MakeDashboard, dashboard_fleet: Fleet
) -> None:
    client = make_dashboard(environment="prod")
    acme, other = (header(key_of(dashboard_fleet, name)) for name in ("acme", "other"))
    workflow = made(client, **acme)
    task = added(client, workflow["id"], **acme)
    assert workflow["user_id"] == "acme"
    assert [one["id"] for one in client.get("/api/workflows", headers=other).json()] == [workflow["id"]]
    assert client.get(f"/api/workflows/{workflow['id']}/tasks", headers=other).json() == [task]
    found = client.get("/api/workflows?user_id=acme", headers=other).json()
    assert [one["id"] for one in found] == [workflow["id"]]
    for method, path, body in (
        ("PATCH", f"/api/workflows/{workflow['id']}", {"name": "taken"}),
        ("DELETE", f"/api/workflows/{workflow['id']}", None),
        ("POST", f"/api/workflows/{workflow['id']}/tasks", {"title": "taken"}),
        ("PATCH", f"/api/tasks/{task['id']}", {"status": "done"}),
    ):
        answer = client.request(method, path, json=body, headers=other)
        assert (answer.status_code, answer.json()["code"]) == (403, "other_owner")
        assert answer.json()["detail"] == "This workflow belongs to another client; only its owner may change it."
    whole = client.get(f"/api/workflows/{workflow['id']}", headers=acme).json()
    assert (whole["name"], [one["status"] for one in whole["tasks"]]) == ("Newsletter", ["pending"])
    assert client.delete(f"/api/workflows/{workflow['id']}", headers=acme).status_code == 204


def test_a_key_is_traded_for_a_session_below_api_and_ends(
    make_dashboard: MakeDashboard, dashboard_fleet: Fleet
) -> None:
    client = make_dashboard(environment="prod", **SECRET)
    key = key_of(dashboard_fleet, "acme")
    assert client.get("/api/sessions").json() == {"keys_required": True, "client_id": None}
    token = client.post("/api/sessions", headers=header(key))
    assert token.status_code == 201
    bearer = {"Authorization": f"Bearer {token.json()['token']}"}
    assert made(client, **bearer)["user_id"] == "acme"
    assert client.delete("/api/sessions", headers=bearer).status_code == 204
    assert client.get("/api/workflows", headers=bearer).status_code == 401
    assert client.get("/sessions").status_code == 404


def test_a_revoked_key_is_refused_within_seconds(make_dashboard: MakeDashboard, dashboard_fleet: Fleet) -> None:
    client = make_dashboard(environment="prod")
    key = key_of(dashboard_fleet, "acme")
    assert client.get("/api/workflows", headers=header(key)).status_code == 200
    assert run_app(dashboard_fleet, "keys", "revoke", key["id"]).returncode == 0
    assert eventually(lambda: client.get("/api/workflows", headers=header(key)).status_code == 401, 5)
    assert client.get("/api/workflows", headers={"X-API-Key": "cg_000000000000_" + "x" * 43}).status_code == 401


def test_an_address_has_100_requests_a_minute(make_dashboard: MakeDashboard) -> None:
    client = make_dashboard(rate_limit_enabled=True)
    answers = [client.get("/api/workflows") for _ in range(101)]
    assert [answer.status_code for answer in answers] == [200] * 100 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 120
    assert client.get("/api/health").status_code == 200


def test_read_only_mode_refuses_changes_and_maintenance_refuses_all(
    dashboard: TestClient, dashboard_fleet: Fleet
) -> None:
    made(dashboard)
    assert run_app(dashboard_fleet, "mode", "read_only").returncode == 0
    assert eventually(lambda: dashboard.post("/api/workflows", json={"name": "x"}).status_code == 503)
    assert dashboard.get("/api/workflows").status_code == 200
    assert run_app(dashboard_fleet, "mode", "maintenance").returncode == 0
    assert eventually(lambda: dashboard.get("/api/workflows").status_code == 503)
    assert dashboard.get("/api/health").status_code == 200
    assert run_app(dashboard_fleet, "mode", "normal").returncode == 0
    assert eventually(lambda: dashboard.get("/api/workflows").status_code == 200)


def test_a_page_of_another_origin_may_use_the_api_if_it_is_named(make_dashboard: MakeDashboard) -> None:
    client = make_dashboard(cors_origins="https://example.com")
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "PATCH"}
    answer = client.options("/api/workflows", headers=asked)
    assert answer.headers["access-control-allow-origin"] == "https://example.com"
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    foreign = client.options("/api/workflows", headers={**asked, "Origin": "https://example.org"})
    assert "access-control-allow-origin" not in foreign.headers
