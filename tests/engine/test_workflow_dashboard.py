"""Workflow-dashboard by the real engine: up, used by a client, its own jobs run, and down again."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from infra.catalog.headers import SECURITY_HEADERS
from tests.engine.world import World, summary

PRODUCT = "workflow-dashboard"
STACKS = (f"{PRODUCT}-local", f"{PRODUCT}-prod")


@pytest.fixture(scope="module", params=STACKS)
def stack(world: World, request: pytest.FixtureRequest) -> Iterator[str]:
    name = str(request.param)
    done = world.command("up", "--stack", name)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "/api/workflows" in done.stdout
    yield name
    ordered = ["--ordered"] if name.endswith("local") else []
    done = world.command("down", "--stack", name, *ordered)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.fixture
def client(world: World, stack: str) -> Iterator[httpx.Client]:
    """A client with a session where the stack asks for one."""
    url = world.cloud(stack).regions[0].url
    session = world.session(stack) if stack.endswith("prod") else {}
    with httpx.Client(base_url=url, headers=session, timeout=30) as client:
        yield client


@pytest.mark.requirement("Z02")
def test_the_declared_instances_run_and_the_page_is_shown(world: World, stack: str, client: httpx.Client) -> None:
    counts = {"backend": 3, "frontend": 2} if stack.endswith("prod") else {"backend": 1, "frontend": 1}
    for name, count in counts.items():
        ready = world.kubectl(stack, "-n", PRODUCT, "get", "deployment", name, "-o", "jsonpath={.status.readyReplicas}")
        assert ready == str(count)
    page = client.get("/")
    assert page.status_code == 200
    for name, value in SECURITY_HEADERS.items():
        assert page.headers.get_list(name) == [value]


@pytest.mark.requirement("B05")
def test_a_workflow_that_is_made_is_in_the_list_with_its_tasks(stack: str, client: httpx.Client) -> None:
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
def test_health_and_readiness_have_the_documents_bodies(stack: str, client: httpx.Client) -> None:
    health = client.get("/api/health").json()
    assert health["status"] == "healthy"
    assert health["services"] == {"api": "up", "database": "up"}
    assert client.get("/api/ready").json() == {"ready": True}


def test_production_asks_for_a_key_and_local_does_not(stack: str, client: httpx.Client) -> None:
    anonymous = httpx.post(f"{client.base_url}/api/workflows", json={"name": "nobody's"}, timeout=30)
    assert anonymous.status_code == (401 if stack.endswith("prod") else 201)


@pytest.mark.requirement("W01")
def test_its_backup_is_made_and_restored(world: World, stack: str, client: httpx.Client) -> None:
    for job in ("backup", "restore-check"):
        name = f"{job}-now"
        world.kubectl(stack, "-n", PRODUCT, "create", "job", f"--from=cronjob/{job}", name)
        world.kubectl(stack, "-n", PRODUCT, "wait", "--for=condition=Complete", "--timeout=300s", f"job/{name}")


def test_a_second_up_changes_nothing(world: World, stack: str) -> None:
    done = world.command("up", "--stack", stack)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "unchanged" in summary(done.stdout)
    assert not any(word in summary(done.stdout) for word in ("created", "updated", "replaced", "deleted"))
