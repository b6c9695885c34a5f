"""Recipe-app by the real engine: a recipe and its video by two queues, its own jobs run, and down again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.engine.product import ProductStack, up
from tests.engine.world import World

PRODUCT = "recipe-app"
SECONDS = 90


@pytest.fixture(scope="module", params=[f"{PRODUCT}-local", f"{PRODUCT}-prod"])
def stack(world: World, request: pytest.FixtureRequest) -> Iterator[ProductStack]:
    yield from up(world, str(request.param), PRODUCT, "/api/recipes")


@pytest.fixture
def client(stack: ProductStack) -> Iterator[httpx.Client]:
    with stack.client() as client:
        yield client


def until(client: httpx.Client, path: str, state: str) -> Mapping[str, object]:
    """Answer of a path once its status is ``state``."""
    deadline = time.monotonic() + SECONDS
    while True:
        found: Mapping[str, object] = client.get(path).json()
        if found["status"] == state:
            return found
        assert found["status"] in ("pending", "in_progress") and time.monotonic() < deadline, found
        time.sleep(0.2)


@pytest.mark.requirement("Z04")
def test_the_declared_instances_run_and_the_page_is_shown(stack: ProductStack, client: httpx.Client) -> None:
    count = "2" if stack.production else "1"
    for name in ("recipe-backend", "frontend", "ai-generation", "video-processor"):
        assert stack.kubectl("get", "deployment", name, "-o", "jsonpath={.status.readyReplicas}") == count
    stack.check_page(client)


@pytest.mark.requirement("K12")
@pytest.mark.requirement("Z04")
def test_videos_are_made_on_the_spot_node_alone(stack: ProductStack) -> None:
    nodes = "jsonpath={range .items[*]}{.metadata.labels.app\\.kubernetes\\.io/name}={.spec.nodeName} {end}"
    placed = [one.split("=") for one in stack.kubectl("get", "pods", "-o", nodes).split()]
    assert {name for name, node in placed if node.endswith("-spot")} == {"video-processor"}
    assert all(node.endswith("-spot") for name, node in placed if name == "video-processor")


@pytest.mark.requirement("Z04")
def test_a_recipe_is_written_and_its_video_can_be_downloaded_and_played(
    stack: ProductStack, client: httpx.Client
) -> None:
    made = client.post("/api/recipes", json={"ingredients": ["egg", "rice", "peas"], "servings": 3})
    assert made.status_code == 202, made.text
    path = f"/api/recipes/{made.json()['id']}"
    recipe = until(client, path, "ready")
    assert recipe["title"] and recipe["steps"]
    assert path.rpartition("/")[2] in {one["id"] for one in client.get("/api/recipes").json()}
    assert client.post(f"{path}/video").status_code == 202
    made_of = until(client, f"{path}/video", "ready")
    for address in (str(made_of["url"]), f"{stack.url}{made_of['file']}"):
        video = httpx.get(address, timeout=30)
        assert (video.status_code, video.headers["content-type"]) == (200, "video/mp4"), video.text[:500]
        assert video.content[4:8] == b"ftyp"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.requirement("E03")
def test_production_asks_for_a_key_and_local_does_not(stack: ProductStack) -> None:
    wanted = {"ingredients": ["egg"], "servings": 1}
    anonymous = httpx.post(f"{stack.url}/api/recipes", json=wanted, timeout=30)
    assert anonymous.status_code == (401 if stack.production else 202)


@pytest.mark.requirement("K17")
@pytest.mark.requirement("W01")
def test_its_scheduled_jobs_run(stack: ProductStack) -> None:
    for job in ("backup", "restore-check", "maintenance-daily", "maintenance-weekly", "maintenance-monthly"):
        stack.run_job(job)


def test_a_second_up_changes_nothing(stack: ProductStack) -> None:
    stack.check_second_up()
