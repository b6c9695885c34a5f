"""Processes killed and stopped in mid-job, stores that are gone: nothing is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import httpx
import pytest
from conftest import Fleet, Servers, apart, eventually
from fake_comfyui import Comfy
from fake_providers import silent_server
from gateway_site import ASKED, MakeGateway, ended, made
from recipe_site import AWS_KEYS
from redis_shards import Shards, shards_in
from shelf import run_sql
from test_gateway_api import Held, name_of

from app.database import Database
from app.lost_jobs import sweep
from app.video.encoder import decoded_frames
from app.video_gateway.settings import GatewayTaskSettings
from app.video_gateway.tables import OF_QUEUE

SERVE = ("serve", "--role", "videos")
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def held() -> Iterator[Held]:
    renderer = Held()
    yield renderer
    renderer.go.set()


@pytest.mark.requirement("K12")
def test_a_process_killed_in_mid_job_is_replaced_and_one_video_is_there(
    make_gateway: MakeGateway, gateway_fleet: Fleet, video_bucket: str, aws: str, servers: Servers, gateway_url: str
) -> None:
    with (
        silent_server() as (nowhere, came),
        gateway_fleet.process("videos", *SERVE, AWS_ENDPOINT_URL=nowhere) as (process, url),
        httpx.Client(base_url=url) as client,
    ):
        video = made(client)
        assert came.wait(30)
        process.kill()
        process.wait()
    client = make_gateway()
    assert ended(client, video)["status"] == "ready"
    store = boto3.client("s3", endpoint_url=aws, **AWS_KEYS)
    (kept,) = store.list_objects_v2(Bucket=video_bucket)["Contents"]
    assert kept["Key"] == f"videos/{video}/2.mp4"
    film = store.get_object(Bucket=video_bucket, Key=kept["Key"])
    assert film["ContentType"] == "video/mp4"
    assert asyncio.run(decoded_frames(film["Body"].read())) == 24
    assert run_sql(servers, name_of(gateway_url), "SELECT count(*) FROM pgqueuer") == [(0,)]


def test_a_process_that_is_stopped_gives_its_video_back_and_the_attempt_does_not_count(
    make_gateway: MakeGateway, gateway_fleet: Fleet, servers: Servers, gateway_url: str
) -> None:
    with Comfy().serving() as comfy:
        comfy.holding = True
        with gateway_fleet.process("videos", *SERVE, COMFYUI_URL=comfy.url, GRACE_SECONDS="6") as (process, url):
            with httpx.Client(base_url=url) as client:
                video = made(client)
                eventually(lambda: comfy.running)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        assert comfy.interrupted == [comfy.posted[0]["prompt_id"]]
    rows = run_sql(servers, name_of(gateway_url), "SELECT status, attempt FROM generated_videos")
    assert rows == [("pending", 0)]
    assert ended(make_gateway(), video)["status"] == "ready"
    assert run_sql(servers, name_of(gateway_url), "SELECT attempt FROM generated_videos") == [(1,)]


@pytest.mark.parametrize("gone", ["redis_url", "redis_queue_url"])
def test_without_one_redis_videos_are_taken_rendered_and_listed(make_gateway: MakeGateway, gone: str) -> None:
    client = make_gateway(**{gone: NOWHERE}, rate_limit_enabled=True)
    video = made(client)
    assert ended(client, video)["status"] == "ready"
    assert [one["status"] for one in client.get("/api/videos").json()] == ["ready"]
    degraded = (
        {"status": "degraded", "degraded": ["redis"]} if gone == "redis_url" else {"status": "ready", "degraded": []}
    )
    assert client.get("/ready").json() == degraded


@pytest.fixture
def shards(folder: Path) -> Iterator[Shards]:
    with shards_in(folder / "gateway") as found:
        yield found


@pytest.mark.requirement("R02")
def test_over_a_redis_cluster_lists_are_kept_and_the_loss_of_a_shard_fails_no_request(
    make_gateway: MakeGateway, shards: Shards, servers: Servers
) -> None:
    client = make_gateway(redis_url=shards.url, redis_queue_url=servers.redis_url, redis_cluster=True)
    assert client.get("/ready").json() == {"status": "ready", "degraded": []}
    video = made(client)
    assert ended(client, video)["status"] == "ready"
    for _ in range(2):
        assert [one["status"] for one in client.get("/api/videos").json()] == ["ready"]
    kept = [key for number in range(3) for key in shards.client(number).keys("cache:jobs:~guest:*")]
    assert kept
    shards.kill(shards.holder("jobs-version:~guest"))
    second = made(client)
    assert ended(client, second)["status"] == "ready"
    for _ in range(20):
        answer = client.get("/api/videos")
        assert answer.status_code == 200
        assert [one["status"] for one in answer.json()] == ["ready", "ready"]
    eventually(lambda: client.get("/ready").json() == {"status": "degraded", "degraded": ["redis"]})


def test_a_database_that_cuts_every_connection_in_mid_job_costs_no_attempt(
    make_gateway: MakeGateway, held: Held, servers: Servers, gateway_url: str
) -> None:
    client = make_gateway(renderer=held, job_lease_seconds=5)
    video = made(client)
    eventually(lambda: held.orders)
    database = name_of(gateway_url)
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1"
    ((count,),) = run_sql(servers, "postgres", cut, database)
    assert isinstance(count, int) and count > 2
    held.go.set()
    assert ended(client, video)["status"] == "ready"
    assert run_sql(servers, database, "SELECT status, attempt, percent FROM generated_videos") == [("ready", 1, 100)]
    assert client.post("/api/generate", json=ASKED).status_code == 202


def test_a_bucket_that_does_not_answer_uses_up_no_attempt(
    make_gateway: MakeGateway, servers: Servers, gateway_url: str, aws: str
) -> None:
    client = make_gateway(video_bucket="not-there-either", job_max_attempts=1)
    video = made(client)
    database = name_of(gateway_url)
    eventually(lambda: run_sql(servers, database, "SELECT waits FROM generated_videos WHERE waits > 1"))
    assert client.get(f"/api/videos/{video}").json()["error"].startswith("The store of videos is not available")
    boto3.client("s3", endpoint_url=aws, **AWS_KEYS).create_bucket(Bucket="not-there-either")
    found = ended(client, video)
    assert (found["status"], found["error"]) == ("ready", None)
    assert run_sql(servers, database, "SELECT attempt FROM generated_videos") == [(1,)]


def test_a_video_that_cannot_be_rendered_fails_in_words_after_its_attempts(
    make_gateway: MakeGateway, servers: Servers, gateway_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.video.encoder.program", lambda: "/bin/false")
    client = make_gateway(job_max_attempts=2)
    found = ended(client, made(client))
    assert (found["status"], found["error"]) == ("failed", "The video could not be rendered.")
    assert run_sql(servers, name_of(gateway_url), "SELECT attempt FROM generated_videos") == [(2,)]
    assert client.get(f"/api/videos/{found['id']}/file").json()["code"] == "video_not_ready"


def test_jobs_that_are_in_no_queue_are_put_back_once(
    make_gateway: MakeGateway, held: Held, servers: Servers, gateway_url: str
) -> None:
    client = make_gateway(renderer=held, job_sweep_seconds=3600)
    made(client)
    eventually(lambda: held.orders)
    lost = made(client)
    database = name_of(gateway_url)
    run_sql(servers, database, "DELETE FROM pgqueuer WHERE dedupe_key = $1", f"video_generation:{lost}")

    async def swept() -> tuple[int, int]:
        settings = GatewayTaskSettings(database_url_direct=gateway_url)  # type: ignore[call-arg]
        async with Database(settings) as there:
            return await sweep(there, OF_QUEUE, timedelta()), await sweep(there, OF_QUEUE, timedelta())

    assert apart(swept()) == (1, 0)
    held.go.set()
    assert ended(client, lost)["status"] == "ready"


def test_a_video_whose_every_process_died_fails_and_one_that_waited_too_long_too(
    make_gateway: MakeGateway, held: Held, servers: Servers, gateway_url: str
) -> None:
    client = make_gateway(renderer=held)
    made(client)
    eventually(lambda: held.orders)
    worn, late = made(client), made(client)
    database = name_of(gateway_url)
    run_sql(servers, database, "UPDATE generated_videos SET attempt = 5, status = 'in_progress' WHERE id = $1", worn)
    run_sql(servers, database, "UPDATE generated_videos SET expires_at = now() WHERE id = $1", late)
    held.go.set()
    assert ended(client, worn)["error"] == "Every worker that took the job ended before it was done."
    assert ended(client, late)["error"] == "The job could not be done before it expired."
