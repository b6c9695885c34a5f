"""Video-gateway by the real engine: a prompt becomes a video on a node with a GPU, by the stores of document C."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
import redis

from tests.engine.product import ProductStack, up
from tests.engine.world import World

PRODUCT = "video-gateway"
GATEWAY = "comfyui-gateway"
SECONDS = 90


@pytest.fixture(scope="module", params=[f"{PRODUCT}-local", f"{PRODUCT}-prod"])
def stack(world: World, request: pytest.FixtureRequest) -> Iterator[ProductStack]:
    yield from up(world, str(request.param), PRODUCT, "/api/generate")


@pytest.fixture
def client(stack: ProductStack) -> Iterator[httpx.Client]:
    with stack.client() as client:
        yield client


def rendered(client: httpx.Client, path: str) -> Mapping[str, object]:
    """Answer of a video's path once it is there."""
    deadline = time.monotonic() + SECONDS
    while True:
        found: Mapping[str, object] = client.get(path).json()
        if found["status"] == "ready":
            return found
        assert found["status"] in ("pending", "in_progress") and time.monotonic() < deadline, found
        time.sleep(0.2)


@pytest.mark.requirement("Z03")
def test_the_declared_instances_run_and_the_page_is_shown(stack: ProductStack, client: httpx.Client) -> None:
    counts = {GATEWAY: "1", "frontend": "2" if stack.production else "1"}
    for name, count in counts.items():
        assert stack.kubectl("get", "deployment", name, "-o", "jsonpath={.status.readyReplicas}") == count
    stack.check_page(client)


@pytest.mark.requirement("K13")
def test_the_gateway_runs_on_the_node_with_a_t4_and_nothing_else_does(stack: ProductStack) -> None:
    nodes = "jsonpath={range .items[*]}{.metadata.labels.app\\.kubernetes\\.io/name}={.spec.nodeName} {end}"
    placed = [one.split("=") for one in stack.kubectl("get", "pods", "-o", nodes).split()]
    assert {name for name, node in placed if "nvidia" in node} == {GATEWAY}
    assert all(node.endswith("-nvidia-t4") for name, node in placed if name == GATEWAY)


@pytest.mark.requirement("Z03")
def test_a_prompt_becomes_a_video_that_can_be_downloaded_and_played(stack: ProductStack, client: httpx.Client) -> None:
    made = client.post("/api/generate", json={"prompt": "a lighthouse in a storm", "seconds": 2})
    assert made.status_code == 202, made.text
    path = f"/api/videos/{made.json()['id']}"
    video = rendered(client, path)
    assert path.rpartition("/")[2] in {one["id"] for one in client.get("/api/videos").json()}
    for address in (str(video["url"]), f"{stack.url}{video['file']}"):
        found = httpx.get(address, timeout=30)
        assert (found.status_code, found.headers["content-type"]) == (200, "video/mp4"), found.text[:500]
        assert found.content[4:8] == b"ftyp"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.requirement("E03")
def test_production_asks_for_a_key_and_local_does_not(stack: ProductStack) -> None:
    anonymous = httpx.post(f"{stack.url}/api/generate", json={"prompt": "a harbour", "seconds": 2}, timeout=30)
    assert anonymous.status_code == (401 if stack.production else 202)


def servers(stack: ProductStack, program: str) -> list[psutil.Process]:
    """Processes of one program that the stack's embedded cloud runs, by their command or their folder: Redis writes its
    address over its command.
    """
    folder, found = str(stack.world.state / stack.name), []
    for one in psutil.process_iter():
        try:
            if program in one.name() and folder in f"{one.cmdline()} {one.cwd()}":
                found.append(one)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


@pytest.mark.requirement("P02")
@pytest.mark.requirement("Z03")
def test_readers_use_both_read_replicas(stack: ProductStack, client: httpx.Client) -> None:
    if not stack.production:
        return
    old = "use1-01900000-6812-76b3-95e6-9c6326f64a7d"
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(lambda _: client.get(f"/api/videos/{old}").status_code, range(64))) == {404}
    poolers = servers(stack, "pgbouncer")
    assert len(poolers) == 2
    deadline = time.monotonic() + SECONDS
    # The primary and each of two replicas. A pooler opens the second connection of its readers within a third of a
    # second of the first (PgBouncer, full_maint_period).
    while len(used := servers_of(poolers)) != 3:
        assert time.monotonic() < deadline, used
        time.sleep(0.2)


def servers_of(poolers: list[psutil.Process]) -> set[str]:
    """Addresses of the databases that poolers hold connections to."""
    ends = [one.raddr for pooler in poolers for one in pooler.net_connections("tcp") if one.raddr]
    return {end.ip for end in ends if end.port == 5432}


@pytest.mark.requirement("R02")
@pytest.mark.requirement("Z03")
def test_the_cache_is_a_cluster_of_three_shards_that_holds_what_clients_listed(stack: ProductStack) -> None:
    if not stack.production:
        return
    for number in range(6):
        session = stack.world.session(stack.name, f"client-{number}")
        assert httpx.get(f"{stack.url}/api/videos", headers=session, timeout=30).status_code == 200
    shards = [one for one in servers(stack, "redis-server") if "[cluster]" in " ".join(one.cmdline())]
    seen = [shard_of(shard) for shard in shards]
    assert [(state["cluster_state"], state["cluster_known_nodes"]) for state, _ in seen] == 3 * [("ok", "3")]
    assert sum(keys > 0 for _, keys in seen) >= 2, seen


def shard_of(server: psutil.Process) -> tuple[Mapping[str, str], int]:
    """The state of the cluster as one server sees it, and the number of its keys."""
    folder = Path(server.cwd())
    address = next(word for word in " ".join(server.cmdline()).split() if word.startswith("127."))
    host, _, port = address.partition(":")
    password = folder.with_name(f"{folder.name}.password").read_text()
    with redis.Redis(host=host, port=int(port), password=password) as node:
        return node.execute_command("CLUSTER INFO"), node.dbsize()


@pytest.mark.requirement("K17")
@pytest.mark.requirement("W01")
def test_its_scheduled_jobs_run(stack: ProductStack) -> None:
    for job in ("backup", "restore-check", "maintenance-daily", "maintenance-weekly", "maintenance-monthly"):
        stack.run_job(job)


def test_a_second_up_changes_nothing(stack: ProductStack) -> None:
    stack.check_second_up()
