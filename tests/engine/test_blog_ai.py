"""Blog-ai by the real engine: one image on two ports, a post with its progress, and down again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.sync.client import connect

from tests.engine.product import ProductStack, up
from tests.engine.world import World

PRODUCT = "blog-ai"
POST = {"topic": "rooftop gardens", "content_type": "blog", "client_id": "engine-tests"}


@pytest.fixture(scope="module", params=[f"{PRODUCT}-local", f"{PRODUCT}-prod"])
def stack(world: World, request: pytest.FixtureRequest) -> Iterator[ProductStack]:
    yield from up(world, str(request.param), PRODUCT, "/generate")


@pytest.fixture
def client(stack: ProductStack) -> Iterator[httpx.Client]:
    with stack.client() as client:
        yield client


@pytest.mark.requirement("K01")
@pytest.mark.requirement("Z05")
def test_one_image_answers_on_both_ports_by_three_services(stack: ProductStack, client: httpx.Client) -> None:
    count = stack.kubectl("get", "deployment", PRODUCT, "-o", "jsonpath={.status.readyReplicas}")
    assert count == ("2" if stack.production else "1")
    names = stack.kubectl("get", "services", "-o", "jsonpath={.items[*].metadata.name}").split()
    assert {"blog-ai", "blog-ai-backend", "blog-ai-frontend"} <= set(names)
    stack.check_page(client)
    health = httpx.get(f"{stack.url}/health", headers={"host": "api.blog.example.com"}, timeout=30)
    assert health.json() == {"status": "healthy"}


@pytest.mark.requirement("E08")
@pytest.mark.requirement("Z05")
def test_a_post_is_written_and_its_progress_comes_by_websocket_through_the_edge(
    stack: ProductStack, client: httpx.Client
) -> None:
    answer = client.post("/generate", json={**POST, "fresh": True})
    assert answer.status_code == 202, answer.text
    job = answer.json()["job_id"]
    place = urlsplit(stack.url)
    token = client.headers.get("authorization", "").removeprefix("Bearer ") or None
    with connect(f"ws://{place.netloc}/ws/jobs/{job}") as socket:
        socket.send(json.dumps({"token": token}))
        seen = [json.loads(message) for message in socket]
    assert seen[-1]["status"] == "completed"
    assert client.get(f"/status/{job}").json()["result"]["sections"]


@pytest.mark.requirement("E03")
def test_production_asks_for_a_key_and_local_does_not(stack: ProductStack, client: httpx.Client) -> None:
    anonymous = httpx.post(f"{stack.url}/generate", json=POST, timeout=30)
    assert anonymous.status_code == (401 if stack.production else 202)


@pytest.mark.requirement("E05")
@pytest.mark.requirement("Z05")
def test_an_answer_says_what_is_left_of_the_documents_posts_a_minute(stack: ProductStack, client: httpx.Client) -> None:
    answer = client.post("/generate", json=POST)
    assert answer.status_code == 202, answer.text
    # A session of ``contentgen token`` has the tier Business.
    most = 60 if stack.production else 10
    assert int(answer.headers["x-ratelimit-limit"]) == most
    assert 0 <= int(answer.headers["x-ratelimit-remaining"]) < most


@pytest.mark.requirement("E13")
def test_a_payment_event_that_stripe_did_not_sign_is_refused(stack: ProductStack) -> None:
    forged = httpx.post(
        f"{stack.url}/webhooks/stripe",
        headers={"host": "api.blog.example.com", "stripe-signature": "t=1,v1=00"},
        json={"id": "evt_1", "type": "customer.subscription.updated"},
        timeout=30,
    )
    assert forged.status_code == 401


@pytest.mark.requirement("K16")
def test_an_instance_that_does_not_answer_leaves_the_load_balancer_and_comes_back(stack: ProductStack) -> None:
    ready = stack.kubectl("get", "deployment", PRODUCT, "-o", "jsonpath={.status.readyReplicas}")
    pod = stack.kubectl("get", "pods", "-l", f"app.kubernetes.io/name={PRODUCT}", "-o", "name").split()[0]
    stopped = stack.processes(pod.removeprefix("pod/"))
    for one in stopped:
        one.suspend()
    try:
        fewer = int(ready) - 1
        stack.until("deployment", PRODUCT, f"readyReplicas={fewer}" if fewer else "unavailableReplicas=1")
        statuses = {httpx.get(f"{stack.url}/?{at}", timeout=10).status_code for at in range(40)}
        assert statuses == ({200} if fewer else {503})
    finally:
        for one in stopped:
            if one.is_running():
                one.resume()
    stack.until("deployment", PRODUCT, f"readyReplicas={ready}")


@pytest.mark.requirement("W01")
def test_its_backup_is_made_and_restored(stack: ProductStack) -> None:
    for job in ("backup", "restore-check"):
        stack.run_job(job)


def test_a_second_up_changes_nothing(stack: ProductStack) -> None:
    stack.check_second_up()
