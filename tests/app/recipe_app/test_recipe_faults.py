"""Workers killed in mid-job, stores that are gone, videos that cannot be made: nothing is lost or done twice."""

from __future__ import annotations

import asyncio

import boto3
import pytest
from conftest import Fleet, Servers, eventually
from fake_providers import openai_server, silent_server
from recipe_site import AWS_KEYS, MakeRecipes
from shelf import run_sql
from test_recipe_api import ended, made

from app.database import Database
from app.lost_jobs import sweep
from app.queue_names import Queue
from app.recipe_app.settings import RecipeTaskSettings
from app.recipe_app.tables import OF_QUEUE
from app.video.encoder import decoded_frames

RENDERER = ("worker", "--queue", "video_generation")
NOWHERE = "redis://127.0.0.1:1/0"


def name_of(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]


@pytest.mark.requirement("Z04")
def test_a_writer_killed_in_mid_job_loses_nothing_and_the_text_is_paid_for_once_more_at_most(
    make_recipes: MakeRecipes, make_worker: MakeRecipes, recipe_fleet: Fleet, servers: Servers, recipe_url: str
) -> None:
    client = make_recipes()
    with openai_server() as model:
        model.hangs = True
        recipe = made(client)
        short = {"LLM_TIMEOUT_SECONDS": "1", "LLM_DEADLINE_SECONDS": "10"}
        command = ("worker", "--queue", "ai_generation")
        with recipe_fleet.process("writer", *command, **model.variables, **short) as (process, _):
            eventually(lambda: model.asked)
            process.kill()
            process.wait()
        assert client.get(f"/api/recipes/{recipe}").json()["status"] == "in_progress"
        model.hangs = False
        own = {"openai_api_key": "sk-test", "openai_base_url": model.url, "llm_providers": "openai"}
        # The killed call's money is free again when its time is over; the test need not wait for that.
        run_sql(servers, name_of(recipe_url), "UPDATE llm_calls SET expires_at = now() - interval '1 second'")
        make_worker(**own, llm_timeout_seconds=1, llm_deadline_seconds=10)
        found = ended(client, f"/api/recipes/{recipe}")
        assert (found["status"], found["title"]) == ("ready", "Rice with tomatoes")
        assert len(model.asked) == 2
    rows = run_sql(servers, name_of(recipe_url), "SELECT status, attempt FROM recipes")
    assert rows == [("ready", 2)]
    outcomes = run_sql(servers, name_of(recipe_url), "SELECT outcome FROM llm_calls ORDER BY id")
    assert outcomes == [("abandoned",), ("written",)]


@pytest.mark.requirement("Z04")
@pytest.mark.requirement("K12")
def test_a_renderer_killed_in_mid_job_is_replaced_and_one_video_is_there(
    make_recipes: MakeRecipes, make_worker: MakeRecipes, film_fleet: Fleet, video_bucket: str, aws: str
) -> None:
    client = make_recipes(video_bucket=video_bucket)
    make_worker()
    recipe = made(client)
    ended(client, f"/api/recipes/{recipe}")
    assert client.post(f"/api/recipes/{recipe}/video").status_code == 202
    with (
        silent_server() as (nowhere, came),
        film_fleet.process("renderer", *RENDERER, AWS_ENDPOINT_URL=nowhere) as (
            process,
            _,
        ),
    ):
        assert came.wait(30)
        process.kill()
        process.wait()
    assert client.get(f"/api/recipes/{recipe}/video").json()["status"] == "in_progress"
    make_worker(Queue.VIDEOS, video_bucket=video_bucket)
    assert ended(client, f"/api/recipes/{recipe}/video")["status"] == "ready"
    store = boto3.client("s3", endpoint_url=aws, **AWS_KEYS)
    (kept,) = store.list_objects_v2(Bucket=video_bucket)["Contents"]
    assert kept["Key"] == f"videos/{recipe}/2.mp4"
    film = store.get_object(Bucket=video_bucket, Key=kept["Key"])
    assert film["ContentType"] == "video/mp4"
    assert asyncio.run(decoded_frames(film["Body"].read())) > 10


def test_without_redis_recipes_are_taken_written_and_listed(
    make_recipes: MakeRecipes, make_worker: MakeRecipes
) -> None:
    client = make_recipes(redis_url=NOWHERE, rate_limit_enabled=True)
    worker = make_worker(redis_url=NOWHERE)
    assert client.get("/ready").json() == {"status": "degraded", "degraded": ["redis"]}
    assert client.get("/api/ready").status_code == 503
    recipe = made(client)
    assert ended(client, f"/api/recipes/{recipe}")["status"] == "ready"
    assert [one["status"] for one in client.get("/api/recipes").json()] == ["ready"]
    assert worker.get("/ready").status_code == 200


def test_a_bucket_that_does_not_answer_uses_up_no_attempt(
    make_recipes: MakeRecipes, make_worker: MakeRecipes, video_bucket: str, servers: Servers, recipe_url: str, aws: str
) -> None:
    client = make_recipes(video_bucket="not-there-yet")
    make_worker()
    recipe = made(client)
    ended(client, f"/api/recipes/{recipe}")
    make_worker(Queue.VIDEOS, video_bucket="not-there-yet", job_max_attempts=1)
    client.post(f"/api/recipes/{recipe}/video")
    database = name_of(recipe_url)
    eventually(lambda: run_sql(servers, database, "SELECT waits FROM videos WHERE waits > 1"))
    assert client.get(f"/api/recipes/{recipe}/video").json()["error"].startswith("The store of videos is not available")
    boto3.client("s3", endpoint_url=aws, **AWS_KEYS).create_bucket(Bucket="not-there-yet")
    found = ended(client, f"/api/recipes/{recipe}/video")
    assert (found["status"], found["error"]) == ("ready", None)
    assert run_sql(servers, database, "SELECT attempt FROM videos") == [(1,)]


def test_a_video_that_cannot_be_rendered_fails_in_words_and_may_be_asked_for_again(
    make_recipes: MakeRecipes, make_worker: MakeRecipes, video_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_recipes(video_bucket=video_bucket)
    make_worker()
    make_worker(Queue.VIDEOS, video_bucket=video_bucket, job_max_attempts=2)
    recipe, unreadable = made(client), made(client, ingredients=["米饭", "豆腐"])
    for one in (recipe, unreadable):
        ended(client, f"/api/recipes/{one}")
    client.post(f"/api/recipes/{unreadable}/video")
    found = ended(client, f"/api/recipes/{unreadable}/video")
    assert (found["status"], found["url"]) == ("failed", None)
    assert found["error"] == "The video cannot show this text: too many of its letters are not in the font."
    monkeypatch.setattr("app.video.encoder.program", lambda: "/bin/false")
    client.post(f"/api/recipes/{recipe}/video")
    found = ended(client, f"/api/recipes/{recipe}/video")
    assert (found["status"], found["error"]) == ("failed", "The video could not be rendered.")
    assert client.get(f"/api/recipes/{recipe}").json()["status"] == "ready"


def test_a_video_that_the_bucket_has_deleted_is_gone_and_may_be_made_again(
    make_recipes: MakeRecipes, make_worker: MakeRecipes, video_bucket: str, servers: Servers, recipe_url: str
) -> None:
    client = make_recipes(video_bucket=video_bucket)
    make_worker()
    make_worker(Queue.VIDEOS, video_bucket=video_bucket)
    recipe = made(client)
    ended(client, f"/api/recipes/{recipe}")
    path = f"/api/recipes/{recipe}/video"
    client.post(path)
    assert ended(client, path)["status"] == "ready"
    for days, status in ((6, 200), (7, 404)):
        aged = "UPDATE videos SET finished_at = now() - $1 * interval '1 day'"
        run_sql(servers, name_of(recipe_url), aged, days)
        assert client.get(path).status_code == status
    assert client.get(f"/api/recipes/{recipe}").json()["video"] is None
    assert client.post(path).json()["status"] == "pending"
    assert ended(client, path)["status"] == "ready"


def test_a_recipe_that_is_deleted_while_it_waits_is_in_no_queue_any_more(
    make_recipes: MakeRecipes, make_worker: MakeRecipes, servers: Servers, recipe_url: str
) -> None:
    client = make_recipes()
    gone, kept = made(client), made(client)
    assert client.delete(f"/api/recipes/{gone}").status_code == 204
    make_worker()
    assert ended(client, f"/api/recipes/{kept}")["status"] == "ready"
    eventually(lambda: run_sql(servers, name_of(recipe_url), "SELECT count(*) FROM pgqueuer") == [(0,)])


def test_jobs_that_are_in_no_queue_are_put_back_once(
    make_recipes: MakeRecipes, servers: Servers, recipe_url: str
) -> None:
    from datetime import timedelta

    from conftest import apart

    client = make_recipes()
    made(client)
    lost = made(client)
    database = name_of(recipe_url)
    run_sql(
        servers, database, "INSERT INTO videos (id, owner, expires_at) SELECT id, owner, now() FROM recipes LIMIT 1"
    )
    run_sql(servers, database, "DELETE FROM pgqueuer WHERE dedupe_key = $1", lost)

    async def swept() -> tuple[int, int]:
        async with Database(RecipeTaskSettings(database_url_direct=recipe_url)) as there:  # type: ignore[call-arg]
            return await sweep(there, OF_QUEUE, timedelta()), await sweep(there, OF_QUEUE, timedelta())

    assert apart(swept()) == (2, 0)
    rows = run_sql(servers, database, "SELECT entrypoint, count(*) FROM pgqueuer GROUP BY 1 ORDER BY 1")
    assert rows == [("ai_generation", 2), ("video_generation", 1)]


def test_a_job_whose_every_worker_died_fails_and_one_that_waited_too_long_too(
    make_recipes: MakeRecipes, make_worker: MakeRecipes, servers: Servers, recipe_url: str
) -> None:
    client = make_recipes()
    worn, late = made(client), made(client)
    database = name_of(recipe_url)
    run_sql(servers, database, "UPDATE recipes SET attempt = 5, status = 'in_progress' WHERE id = $1", worn)
    run_sql(servers, database, "UPDATE recipes SET expires_at = now() WHERE id = $1", late)
    make_worker()
    assert ended(client, f"/api/recipes/{worn}")["error"] == "Every worker that took the job ended before it was done."
    assert ended(client, f"/api/recipes/{late}")["error"] == "The job could not be done before it expired."
