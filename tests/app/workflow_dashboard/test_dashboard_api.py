"""Workflows and tasks by HTTP: every status, bodies as they are sent."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from conftest import Servers
from dashboard_site import MakeDashboard
from starlette.testclient import TestClient

NOBODYS = "0198f0a0-0000-7000-8000-000000000000"
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z$"


def made(client: TestClient, name: str = "Newsletter", **headers: str) -> dict:
    answer = client.post("/api/workflows", json={"name": name}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def added(client: TestClient, workflow: str, title: str = "Write it", **headers: str) -> dict:
    answer = client.post(f"/api/workflows/{workflow}/tasks", json={"title": title}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.requirement("B05")
def test_a_workflow_and_its_tasks_are_listed_as_the_document_asks(dashboard: TestClient) -> None:
    assert dashboard.get("/api/workflows").json() == []
    answer = dashboard.post("/api/workflows", json={"name": " Newsletter ", "description": "Every\nFriday."})
    workflow = answer.json()
    assert answer.headers["location"] == f"/api/workflows/{workflow['id']}"
    first, second = (added(dashboard, workflow["id"], title) for title in ("Write it", "Send it"))
    listed = dashboard.get("/api/workflows")
    assert listed.status_code == 200
    assert listed.headers["content-type"] == "application/json"
    (found,) = listed.json()
    assert re.match(TIME, found.pop("created_at")) and re.match(TIME, found.pop("updated_at"))
    assert found == {
        "id": workflow["id"],
        "user_id": "~guest",
        "name": "Newsletter",
        "description": "Every\nFriday.",
        "status": "active",
        "tasks": [
            {"id": first["id"], "title": "Write it", "status": "pending", "position": 1},
            {"id": second["id"], "title": "Send it", "status": "pending", "position": 2},
        ],
    }


def test_one_workflow_is_answered_as_the_list_has_it_and_its_tasks_by_themselves(dashboard: TestClient) -> None:
    workflow = made(dashboard)
    task = added(dashboard, workflow["id"])
    assert dashboard.get(f"/api/workflows/{workflow['id']}").json() == dashboard.get("/api/workflows").json()[0]
    assert dashboard.get(f"/api/workflows/{workflow['id']}/tasks").json() == [task]
    assert set(task) == {"id", "workflow_id", "title", "status", "position", "created_at", "updated_at"}
    assert task["workflow_id"] == workflow["id"]


def test_a_workflow_is_changed_field_by_field(dashboard: TestClient) -> None:
    workflow = made(dashboard)
    task = added(dashboard, workflow["id"])
    path = f"/api/workflows/{workflow['id']}"
    for change in ({"name": "Letter"}, {"description": "Weekly"}, {"status": "paused"}):
        answer = dashboard.patch(path, json=change)
        assert answer.status_code == 200
        assert answer.json().items() >= change.items()
    whole = dashboard.get(path).json()
    assert (whole["name"], whole["description"], whole["status"]) == ("Letter", "Weekly", "paused")
    assert [one["id"] for one in whole["tasks"]] == [task["id"]]
    assert whole["updated_at"] > workflow["updated_at"]
    assert whole["created_at"] == workflow["created_at"]


@pytest.mark.parametrize("change", [{"status": "done"}, {"title": "Rewrite it"}, {"position": 7}])
def test_a_task_is_changed_field_by_field(dashboard: TestClient, change: dict) -> None:
    workflow = made(dashboard)
    task = added(dashboard, workflow["id"])
    answer = dashboard.patch(f"/api/tasks/{task['id']}", json=change)
    assert answer.status_code == 200
    kept = {name: value for name, value in task.items() if name not in {*change, "updated_at"}}
    assert answer.json().items() >= {**kept, **change}.items()
    listed = dashboard.get(f"/api/workflows/{workflow['id']}").json()
    assert listed["tasks"][0].items() >= change.items()
    assert listed["updated_at"] > workflow["updated_at"]


def test_tasks_stand_in_the_order_of_their_positions(dashboard: TestClient) -> None:
    workflow = made(dashboard)["id"]
    first, second, third = (added(dashboard, workflow, title)["id"] for title in ("a", "b", "c"))
    dashboard.patch(f"/api/tasks/{first}", json={"position": 10})
    expected = [second, third, first]
    assert [task["id"] for task in dashboard.get("/api/workflows").json()[0]["tasks"]] == expected
    assert [task["id"] for task in dashboard.get(f"/api/workflows/{workflow}/tasks").json()] == expected


def test_a_deleted_workflow_is_gone_with_its_tasks(dashboard: TestClient) -> None:
    workflow = made(dashboard)["id"]
    task = added(dashboard, workflow)["id"]
    answer = dashboard.delete(f"/api/workflows/{workflow}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert dashboard.get("/api/workflows").json() == []
    assert dashboard.get(f"/api/workflows/{workflow}").status_code == 404
    assert dashboard.patch(f"/api/tasks/{task}", json={"status": "done"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/api/workflows/{NOBODYS}", None),
        ("PATCH", f"/api/workflows/{NOBODYS}", {"name": "x"}),
        ("DELETE", f"/api/workflows/{NOBODYS}", None),
        ("GET", f"/api/workflows/{NOBODYS}/tasks", None),
        ("POST", f"/api/workflows/{NOBODYS}/tasks", {"title": "x"}),
        ("PATCH", f"/api/tasks/{NOBODYS}", {"status": "done"}),
    ],
)
def test_an_unknown_id_is_answered_with_404(dashboard: TestClient, method: str, path: str, body: object) -> None:
    answer = dashboard.request(method, path, json=body)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/workflows", {}),
        ("/api/workflows", {"name": ""}),
        ("/api/workflows", {"name": "   "}),
        ("/api/workflows", {"name": "x" * 201}),
        ("/api/workflows", {"name": "bell\x07"}),
        ("/api/workflows", {"name": "two\nlines"}),
        ("/api/workflows", {"name": 7}),
        ("/api/workflows", {"name": "x", "description": "x" * 2001}),
        ("/api/workflows", {"name": "x", "description": "nul\x00"}),
        ("/api/workflows", {"name": "x", "user_id": "another"}),
        ("/api/workflows", {"name": "x", "id": NOBODYS}),
        ("/api/workflows", ["name"]),
        (f"/api/workflows/{NOBODYS}/tasks", {"title": ""}),
        (f"/api/workflows/{NOBODYS}/tasks", {"title": "x" * 201}),
        (f"/api/workflows/{NOBODYS}/tasks", {"title": "x", "status": "done"}),
    ],
)
def test_what_does_not_fit_is_refused_before_the_database_is_asked(
    dashboard: TestClient, path: str, body: object
) -> None:
    assert dashboard.post(path, json=body).status_code == 422
    assert dashboard.get("/api/workflows").json() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *((f"/api/workflows/{NOBODYS}", body) for body in ({}, {"name": None}, {"status": "done"}, {"tasks": []})),
        *((f"/api/tasks/{NOBODYS}", body) for body in ({}, {"status": None}, {"status": "active"})),
        *((f"/api/tasks/{NOBODYS}", {"position": position}) for position in (0, -1, 101, 2**31, "1", 1.5, True)),
        (f"/api/tasks/{NOBODYS}", {"workflow_id": NOBODYS}),
        ("/api/tasks/1", {"status": "done"}),
        ("/api/workflows/' OR 1=1 --", {"name": "x"}),
    ],
)
def test_a_change_that_does_not_fit_is_refused(dashboard: TestClient, path: str, body: object) -> None:
    assert dashboard.patch(path, json=body).status_code == 422


@pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=x", "before=x", "user_id=%27%20OR%201=1", "before="])
def test_a_page_that_does_not_exist_is_refused(dashboard: TestClient, query: str) -> None:
    assert dashboard.get(f"/api/workflows?{query}").status_code == 422


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE workflows; --",
        '"}],"x":[{',
        "<script>alert(1)</script>",
        "%s %(name)s :name $1",
        "\\u0027 ❤ 漢字",
    ],
)
def test_texts_are_stored_and_answered_as_they_were_sent(dashboard: TestClient, text: str) -> None:
    workflow = made(dashboard, text)
    added(dashboard, workflow["id"], text)
    (found,) = dashboard.get("/api/workflows").json()
    assert (found["name"], found["tasks"][0]["title"]) == (text, text)


def test_texts_may_be_as_long_as_the_limits_say(dashboard: TestClient) -> None:
    body = {"name": "漢" * 200, "description": "😀" * 2000}
    workflow = dashboard.post("/api/workflows", json=body)
    assert workflow.status_code == 201
    assert (
        dashboard.post(f"/api/workflows/{workflow.json()['id']}/tasks", json={"title": "漢" * 200}).status_code == 201
    )


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("POST", "/api/workflows", 16 * 1024),
        ("PATCH", f"/api/workflows/{NOBODYS}", 16 * 1024),
        ("POST", f"/api/workflows/{NOBODYS}/tasks", 16 * 1024),
        ("PATCH", f"/api/tasks/{NOBODYS}", 4 * 1024),
        ("POST", "/api/sessions", 1024),
    ],
)
def test_a_body_over_its_limit_is_refused(dashboard: TestClient, method: str, path: str, most: int) -> None:
    assert dashboard.request(method, path, content=b" " * (most + 1)).status_code == 413
    assert dashboard.request(method, path, content=b" " * most).status_code != 413


def test_a_workflow_has_a_hundred_tasks_and_no_more(dashboard: TestClient) -> None:
    workflow = made(dashboard)["id"]
    positions = [added(dashboard, workflow, f"Task {number}")["position"] for number in range(100)]
    assert positions == list(range(1, 101))
    answer = dashboard.post(f"/api/workflows/{workflow}/tasks", json={"title": "One more"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_tasks")
    assert len(dashboard.get("/api/workflows").json()[0]["tasks"]) == 100


def test_pages_go_back_to_the_oldest_workflow(dashboard: TestClient) -> None:
    ids = [made(dashboard, f"Workflow {number}")["id"] for number in range(52)]
    first = dashboard.get("/api/workflows").json()
    assert [one["id"] for one in first] == ids[:1:-1]
    second = dashboard.get(f"/api/workflows?before={first[-1]['id']}").json()
    assert [one["id"] for one in second] == [ids[1], ids[0]]
    assert [one["id"] for one in dashboard.get("/api/workflows?limit=2").json()] == [ids[51], ids[50]]
    assert len(dashboard.get("/api/workflows?user_id=acme").json()) == 0


def test_everything_works_through_a_transaction_pooler(
    make_dashboard: MakeDashboard, servers: Servers, dashboard_url: str, pooler: int
) -> None:
    client = make_dashboard(database_url=dashboard_url.replace(f":{servers.postgres.port}/", f":{pooler}/"))
    for number in range(5):
        workflow = made(client, f"Workflow {number}")["id"]
        task = added(client, workflow)["id"]
        assert client.patch(f"/api/tasks/{task}", json={"status": "done"}).status_code == 200
    listed = client.get("/api/workflows").json()
    assert [one["tasks"][0]["status"] for one in listed] == ["done"] * 5


def test_a_text_that_is_no_unicode_is_refused(dashboard: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    for body in (b'{"name": "\\ud800"}', b'{"name": "\xff"}', b'{"name": "x"', b"[" * 10_000):
        assert dashboard.post("/api/workflows", content=body, headers=headers).status_code in (400, 422)


def test_an_unknown_path_and_method_are_answered_as_problems(dashboard: TestClient) -> None:
    assert dashboard.get(f"/api/{uuid4()}").status_code == 404
    assert dashboard.put("/api/workflows", json={}).status_code == 405
    assert dashboard.put("/api/workflows", json={}).headers["content-type"] == "application/problem+json"


def test_the_page_is_not_the_back_ends(dashboard: TestClient) -> None:
    assert dashboard.get("/").status_code == 404


def test_production_shows_neither_documents_nor_debug_routes(make_dashboard: MakeDashboard) -> None:
    closed = make_dashboard(environment="prod")
    assert {closed.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")} == {404}
    document = make_dashboard().get("/openapi.json").json()
    assert document["info"]["title"] == "Workflow dashboard"
    assert "/api/workflows" in document["paths"] and "/generate" not in document["paths"]
    assert document["paths"]["/api/workflows"]["get"]["security"] == [{"ApiKey": []}, {"Session": []}, {}]
    assert document["paths"]["/api/health"]["get"]["security"] == []
