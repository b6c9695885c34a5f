"""Header pictures of blog-ai's posts (E14) by a Stability AI on loopback: made, shown to their owner, forgotten."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from blog_site import MakeBlog
from conftest import Servers, apart, eventually
from listening import Answer
from search_engines import JPEG, Outside, drawn, outside, refusal
from shelf import run_sql
from starlette.testclient import TestClient
from test_blog_research import result, written
from test_blog_tiers import SETTINGS, TOKEN
from test_ledger import calls

from app.anonymise import anonymise
from app.blog_ai.pictures.requests import GenerationRequest as PostRequest
from app.blog_ai.pictures.stability import LARGEST_PICTURE
from app.blog_ai.post_worker import PICTURES
from app.blog_ai.settings import BlogSettings
from app.blog_ai.tables import OWNED
from app.blog_ai.upkeep import CHORES
from app.chores import Schedule, run_chores
from app.database import Database
from app.domain import GenerationRequest
from app.ids import JobId
from app.intake import Submission
from app.privacy import erase, export

pytestmark = pytest.mark.requirement("E14")
QUICK = {"llm_retries": 0, "picture_timeout_seconds": 2}
FILE = "etag, body"


@pytest.fixture
def stability() -> Iterator[Outside]:
    with outside("stability") as made:
        yield made


@pytest.fixture
def database(blog_url: str) -> str:
    return blog_url.rpartition("/")[2].partition("?")[0]


def key_of(client: TestClient, client_id: str) -> dict[str, str]:
    made = client.post("/admin/keys", json={"client_id": client_id}, headers={"X-Admin-Token": TOKEN})
    return {"X-API-Key": made.json()["secret"]}


def settings_for(url: str) -> BlogSettings:
    return BlogSettings(database_url=url, database_url_direct=url)  # type: ignore[arg-type]


def test_a_picture_that_was_asked_for_is_made_paid_once_and_shown(
    make_blog: MakeBlog, blog_url: str, stability: Outside
) -> None:
    client = make_blog(**stability.settings)
    assert client.get("/pictures").json() == {"enabled": True}
    before = PICTURES.labels("done")._value.get()
    job = written(client, picture=True)
    assert result(job)["picture"] == "done"
    assert PICTURES.labels("done")._value.get() == before + 1
    shown = client.get(f"/pictures/{job['job_id']}")
    assert (shown.status_code, shown.content, shown.headers["content-type"]) == (200, JPEG, "image/jpeg")
    assert shown.headers["cache-control"] == "private, no-cache"
    assert shown.headers["x-content-type-options"] == "nosniff"
    again = client.get(f"/pictures/{job['job_id']}", headers={"If-None-Match": shown.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", shown.headers["etag"])
    assert client.get(f"/pictures/{job['job_id']}", headers={"If-None-Match": '"0"'}).status_code == 200
    (prompt,) = stability.asked
    assert "Better coffee at home" in prompt
    (entry,) = calls(blog_url)
    assert (entry["provider"], entry["model"], entry["outcome"]) == ("stability", "stable-image-core", "done")
    assert (float(entry["cost_usd"]), entry["job_id"], entry["client_id"]) == (0.03, job["job_id"], "acme")


def test_a_post_has_no_picture_unless_one_is_asked_for(make_blog: MakeBlog, blog_url: str, stability: Outside) -> None:
    client = make_blog(**stability.settings)
    job = written(client)
    assert "picture" not in result(job)
    missing = client.get(f"/pictures/{job['job_id']}")
    assert (missing.status_code, missing.json()["code"]) == (404, "picture_not_found")
    assert (stability.asked, calls(blog_url)) == ([], [])


def test_without_the_key_a_post_that_asks_for_a_picture_is_complete_without(make_blog: MakeBlog, blog_url: str) -> None:
    client = make_blog()
    assert client.get("/pictures").json() == {"enabled": False}
    job = written(client, picture=True)
    assert result(job)["picture"] == "unavailable"
    assert client.get(f"/pictures/{job['job_id']}").status_code == 404
    assert calls(blog_url) == []


@pytest.mark.parametrize(
    ("answer", "outcome", "dollars"),
    [
        (refusal(401), "provider_account", 0),
        (refusal(402), "provider_account", 0),
        (refusal(403), "content_refused", 0),
        (refusal(429), "provider_busy", 0),
        (refusal(500), "provider_unavailable", 0),
        (refusal(413), "request_refused", 0),
        (drawn(JPEG, **{"finish-reason": "CONTENT_FILTERED"}), "content_refused", 0.03),
        (drawn(b"<html>"), "provider_malformed", 0.03),
        (drawn(JPEG, **{"Content-Type": "text/html"}), "provider_malformed", 0.03),
        (drawn(JPEG, **{"Content-Type": "image/svg+xml"}), "provider_malformed", 0.03),
        (drawn(JPEG + b"x" * LARGEST_PICTURE), "provider_malformed", 0.03),
    ],
)
def test_a_picture_that_fails_never_fails_the_text(
    make_blog: MakeBlog, blog_url: str, answer: Answer, outcome: str, dollars: float
) -> None:
    before = PICTURES.labels(outcome)._value.get()
    with outside("stability", answer) as stability:
        client = make_blog(**stability.settings, **QUICK)
        job = written(client, picture=True)
    assert result(job)["picture"] == "unavailable"
    assert client.get(f"/pictures/{job['job_id']}").status_code == 404
    (entry,) = calls(blog_url)
    assert (entry["outcome"], float(entry["cost_usd"])) == (outcome, dollars)
    assert PICTURES.labels(outcome)._value.get() == before + 1


def test_a_slow_picture_is_given_up(make_blog: MakeBlog, stability: Outside) -> None:
    stability.hold.clear()
    job = written(make_blog(**stability.settings, llm_retries=0, picture_timeout_seconds=0.3), picture=True)
    assert result(job)["picture"] == "unavailable"


def test_a_picture_that_the_days_budget_has_no_room_for_is_not_made(
    make_blog: MakeBlog, blog_url: str, stability: Outside
) -> None:
    job = written(make_blog(**stability.settings, llm_max_cost_per_day_usd=0.029), picture=True)
    assert (result(job)["picture"], stability.asked, calls(blog_url)) == ("unavailable", [], [])


def test_an_attempt_after_the_picture_was_made_does_not_pay_for_it_again(
    make_blog: MakeBlog, servers: Servers, database: str, stability: Outside
) -> None:
    client = make_blog(**stability.settings)
    job = written(client, picture=True)["job_id"]
    run_sql(servers, database, "UPDATE jobs SET status = 'pending', content = NULL, attempt = 0, finished_at = NULL")
    run_sql(
        servers,
        database,
        "INSERT INTO pgqueuer (priority, created, updated, heartbeat, execute_after, status, entrypoint, payload,"
        " dedupe_key) SELECT 1, now(), now(), now(), now(), 'queued', 'ai_generation', convert_to(id, 'UTF8'), id"
        " FROM jobs",
    )
    done = eventually(lambda: (found := client.get(f"/status/{job}").json())["status"] == "completed" and found)
    assert done["result"]["picture"] == "done"
    assert len(stability.asked) == 1


def test_only_its_owner_sees_a_picture(make_blog: MakeBlog, stability: Outside) -> None:
    client = make_blog(**stability.settings, **SETTINGS, api_key_required=True)
    mine, other = key_of(client, "acme"), key_of(client, "rival")
    job = client.post("/generate", json={"topic": "Tea", "content_type": "blog", "picture": True}, headers=mine).json()
    path = f"/pictures/{job['job_id']}"
    assert eventually(lambda: client.get(path, headers=mine).status_code == 200)
    assert client.get(path, headers=other).status_code == 404
    assert client.get(path).status_code == 401
    assert client.get("/pictures/use1-nonsense", headers=mine).status_code == 404


def test_a_deleted_job_takes_its_picture_with_it(
    make_blog: MakeBlog, servers: Servers, database: str, stability: Outside
) -> None:
    client = make_blog(**stability.settings)
    job, other = (written(client, picture=True, topic=topic)["job_id"] for topic in ("Tea at home", "Milk at home"))
    assert client.delete(f"/jobs/{job}").status_code == 204
    assert client.get(f"/pictures/{job}").status_code == 404
    assert run_sql(servers, database, "SELECT job_id FROM pictures") == [(other,)]


def test_export_names_a_clients_pictures_and_sources_and_erasure_forgets_them(
    make_blog: MakeBlog, servers: Servers, blog_url: str, database: str, stability: Outside
) -> None:
    with outside("tavily") as tavily:
        client = make_blog(**stability.settings, **tavily.settings)
        job = written(client, picture=True)["job_id"]
        written(client, picture=True, client_id="rival")

    async def everything() -> list[dict[str, object]]:
        async with Database(settings_for(blog_url)) as there:
            return [json.loads(line) for line in [line async for line in export(there, "acme", OWNED)]]

    lines = apart(everything())
    (row,) = (line["row"] for line in lines if line.get("table") == "pictures")
    assert isinstance(row, dict)
    assert (row["job_id"], "etag" in row, "body" in row) == (job, True, False)
    (text,) = (line["row"] for line in lines if line.get("table") == "jobs")
    assert isinstance(text, dict)
    assert len(text["content"]["sources"]) == 2

    async def erased() -> None:
        async with Database(settings_for(blog_url)) as there:
            await erase(there, "acme", more=OWNED)

    apart(erased())
    assert run_sql(servers, database, "SELECT client_id FROM pictures") == [("rival",)]
    assert run_sql(servers, database, "SELECT client_id FROM jobs") == [("rival",)]


def test_an_anonymous_copy_has_no_pictures_no_sources_and_no_subscriptions(
    make_blog: MakeBlog, servers: Servers, blog_url: str, database: str, stability: Outside
) -> None:
    with outside("tavily") as tavily:
        written(make_blog(**stability.settings, **tavily.settings), picture=True)
    run_sql(servers, database, "INSERT INTO stripe_subscriptions (id, client_id) VALUES ('sub_1', 'acme')")
    asyncio.run(anonymise(settings_for(blog_url)))
    assert run_sql(servers, database, "SELECT count(*) FROM pictures") == [(0,)]
    assert run_sql(servers, database, "SELECT count(*) FROM stripe_subscriptions") == [(0,)]
    ((content,),) = run_sql(servers, database, "SELECT content::text FROM jobs")
    assert "coffee.example" not in str(content) and "picture" not in str(content)


def test_a_picture_is_kept_for_as_long_as_its_text(servers: Servers, blog_url: str, database: str) -> None:
    """Six whole months before this one, as texts are."""
    month = "date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
    for job, age in (("old", "6 months 1 minute"), ("young", "6 months")):
        values = f"'{job}', 'acme', {month} - interval '{age}'"
        run_sql(servers, database, f"INSERT INTO pictures (job_id, client_id, created_at) VALUES ({values})")  # noqa: S608

    async def cared() -> list[str]:
        own = [one for one in CHORES[Schedule.MONTHLY] if one.name == "archive pictures"]
        return [done.error async for done in run_chores(settings_for(blog_url), own, dry_run=False)]

    assert asyncio.run(cared()) == [""]
    assert run_sql(servers, database, "SELECT job_id FROM pictures") == [("young",)]


def test_a_request_without_a_picture_is_the_same_as_before_for_its_idempotency_key() -> None:
    body = {"topic": "Tea at home", "content_type": "blog", "client_id": "acme"}
    plain, own = GenerationRequest.model_validate(body), PostRequest.model_validate(body)
    pictured = PostRequest.model_validate({**body, "picture": True})
    hashes = [Submission(JobId.new("use1"), one, "acme").body_hash for one in (plain, own, pictured)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert own.assignment() == pictured.assignment() == plain.assignment()


def test_the_database_takes_no_larger_picture_and_no_half_of_one(servers: Servers, database: str) -> None:
    for values in ("'1', repeat('x', 2097153)::bytea", "NULL, 'x'::bytea"):
        statement = f"INSERT INTO pictures (job_id, client_id, created_at, {FILE}) VALUES ('j', 'c', now(), {values})"  # noqa: S608
        with pytest.raises(Exception, match="check constraint"):
            run_sql(servers, database, statement)
