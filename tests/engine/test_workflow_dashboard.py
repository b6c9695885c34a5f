"""Workflow-dashboard by the real engine: up, used by a client, its own jobs run, and down again."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.engine.product import ProductStack, up
from tests.engine.world import World

PRODUCT = "workflow-dashboard"


@pytest.fixture(scope="module", params=[f"{PRODUCT}-local", f"{PRODUCT}-prod"])
def stack(world: World, request: pytest.FixtureRequest) -> Iterator[ProductStack]:
    yield from up(world, str(request.param), PRODUCT, "/api/workflows")


@pytest.fixture
def client(stack: ProductStack) -> Iterator[httpx.Client]:
    with stack.client() as client:
        yield client


@pytest.mark.requirement("Z02")
def test_the_declared_instances_run_and_the_page_is_shown(stack: ProductStack, client: httpx.Client) -> None:
    counts = {"backend": 3, "frontend": 2} if stack.production else {"backend": 1, "frontend": 1}
    for name, count in counts.items():
        assert stack.kubectl("get", "deployment", name, "-o", "jsonpath={.status.readyReplicas}") == str(count)
    stack.check_page(client)


@pytest.mark.requirement("B05")
def test_a_workflow_that_is_made_is_in_the_list_with_its_tasks(stack: ProductStack, client: httpx.Client) -> None:
    made = client.post("/api/workflows", json={"name": "Release 1.4"})
    assert made.status_code == 201, made.text
    workflow = made.json()["id"]
    task = client.post(f"/api/workflows/{workflow}/tasks", json={"title": "Write the notes"})
    assert task.status_code == 201, task.text
    done = client.patch(f"/api/tasks/{task.json()['id']}", json={"status": "done"})
    assert done.status_code == 200, done.text
    listed = {one["id"]: one for one in client.get("/api/workflows").json()}
    assert [one["status"] for one in listed[workflow]["tasks"]] == ["done"]
    assert client.delete(f"/api/workflows/{workflow}").status_code == 204
    assert workflow not in {one["id"] for one in client.get("/api/workflows").json()}


@pytest.mark.requirement("B01")
def test_health_and_readiness_have_the_documents_bodies(stack: ProductStack, client: httpx.Client) -> None:
    health = client.get("/api/health").json()
    assert health["status"] == "healthy"
    assert health["services"] == {"api": "up", "database": "up"}
    assert client.get("/api/ready").json() == {"ready": True}


def test_production_asks_for_a_key_and_local_does_not(stack: ProductStack, client: httpx.Client) -> None:
    anonymous = httpx.post(f"{client.base_url}/api/workflows", json={"name": "nobody's"}, timeout=30)
    assert anonymous.status_code == (401 if stack.production else 201)


@pytest.mark.requirement("W01")
def test_its_backup_is_made_and_restored(stack: ProductStack, client: httpx.Client) -> None:
    for job in ("backup", "restore-check"):
        stack.run_job(job)


def test_a_second_up_changes_nothing(stack: ProductStack) -> None:
    stack.check_second_up()
