"""The time of a service's last request (K10): what counts, how often it is written, and what it costs a request."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import asyncpg
import pytest
import structlog
from conftest import eventually
from starlette.testclient import TestClient
from test_access import ADMIN, new_key
from under_load import run_sql

from app import activity
from app.activity import Activity
from app.api.application import Role, create
from app.database import Database
from app.middleware.asked import Asked
from app.settings import Settings

MakeClient = Callable[..., TestClient]
MakeSettings = Callable[..., Settings]
PROBES = (
    *("/health", "/health/db", "/health/cache", "/health/sentry", "/health/stripe"),
    *("/ready", "/metrics", "/api/health", "/api/ready", "/internal/identity"),
)


def written(url: str) -> dict[str, datetime]:
    return {row["service"]: row["asked_at"] for row in run_sql(url, "SELECT service, asked_at FROM activity")}


def moment(url: str) -> datetime:
    """The time by the database's clock, which is the one that counts."""
    [row] = run_sql(url, "SELECT clock_timestamp()")
    return row[0]


@pytest.mark.requirement("K10")
def test_a_process_writes_the_time_at_once_and_no_more_than_once_a_minute(
    make_client: MakeClient, database_url: str
) -> None:
    assert activity.EVERY_SECONDS == 60
    client = make_client(requests_noted=True, service="cpm")
    before = moment(database_url)
    client.get("/nowhere")
    first = eventually(lambda: written(database_url))
    assert before <= first["cpm"] <= moment(database_url)
    for _ in range(20):
        client.get("/nowhere")
    assert written(database_url) == first


@pytest.mark.requirement("K10")
def test_the_last_of_many_requests_is_written_later_with_the_time_it_had(
    make_settings: MakeSettings, database_url: str
) -> None:
    async def scenario() -> None:
        async with Database(make_settings()) as database, asyncio.TaskGroup() as tasks:
            kept = Activity(database, "cpm", every_seconds=2)
            following = tasks.create_task(kept.follow())
            watcher = await asyncpg.connect(database_url)
            query = "SELECT asked_at FROM activity"
            kept.note()
            async with asyncio.timeout(20):
                while (first := await watcher.fetchval(query)) is None:
                    await asyncio.sleep(0.02)
                kept.note()
                last = await watcher.fetchval("SELECT clock_timestamp()")
                while (second := await watcher.fetchval(query)) == first:
                    await asyncio.sleep(0.02)
            assert first < second
            assert abs(second - last) < timedelta(seconds=0.5)
            await watcher.close()
            following.cancel()

    asyncio.run(scenario())


@pytest.mark.requirement("K10")
def test_probes_and_scrapes_are_no_requests(make_client: MakeClient, database_url: str) -> None:
    client = make_client(requests_noted=True, service="cpm")
    for path in PROBES:
        assert client.get(path).status_code != 404
    after = moment(database_url)
    client.get("/nowhere")
    assert eventually(lambda: written(database_url))["cpm"] >= after


@pytest.mark.requirement("K10")
def test_who_is_refused_keeps_nothing_running(make_client: MakeClient, database_url: str) -> None:
    client = make_client(requests_noted=True, service="cpm", api_key_required=True, **ADMIN)
    _, key = new_key(client)
    strangers = [client.get("/jobs"), client.get("/nowhere"), client.get("/jobs", headers={"X-API-Key": "cg_wrong"})]
    assert [answer.status_code for answer in strangers] == [401, 404, 401]
    after = moment(database_url)
    assert client.get("/jobs", headers=key).status_code == 200
    assert eventually(lambda: written(database_url))["cpm"] >= after


@pytest.mark.requirement("K10")
def test_im_counts_what_workers_ask_of_it_although_keys_are_required(
    make_settings: MakeSettings, database_url: str
) -> None:
    settings = make_settings(
        requests_noted=True, service="im", api_key_required=True, allow_embedded_writer=True, environment="dev"
    )
    with TestClient(create(settings, Role.IM)) as im:
        assert im.post("/v1/write", json={}).status_code == 422
        assert set(eventually(lambda: written(database_url))) == {"im"}


@pytest.mark.requirement("K10")
@pytest.mark.parametrize(
    ("maker", "url"),
    [
        ("make_client", "database_url"),
        ("make_dashboard", "dashboard_url"),
        ("make_recipes", "recipe_url"),
        ("make_gateway", "gateway_url"),
        ("make_blog", "blog_url"),
    ],
)
def test_every_products_api_notes_its_requests_but_not_those_with_a_wrong_key(
    maker: str, url: str, request: pytest.FixtureRequest
) -> None:
    client, database = (
        request.getfixturevalue(maker)(requests_noted=True, service="own-name"),
        request.getfixturevalue(url),
    )
    assert client.get("/nowhere", headers={"X-API-Key": "cg_wrong"}).status_code == 401
    after = moment(database)
    client.get("/nowhere")
    [(name, asked_at)] = eventually(lambda: written(database)).items()
    assert name == "own-name"
    assert asked_at >= after


@pytest.mark.requirement("K10")
def test_a_request_waits_for_no_write_and_what_failed_is_written_later(
    make_client: MakeClient, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "AGAIN_SECONDS", 0.1)
    client = make_client(requests_noted=True, service="cpm", database_statement_timeout_seconds=0.3)

    async def locked() -> float:
        holder = await asyncpg.connect(database_url)
        try:
            async with holder.transaction():
                await holder.execute("LOCK TABLE activity")
                began = time.monotonic()
                assert (await asyncio.to_thread(client.get, "/nowhere")).status_code == 404
                took = time.monotonic() - began
                async with asyncio.timeout(20):
                    while not [
                        line for line in lines if line["event"] == "the time of the last request is not written"
                    ]:
                        await asyncio.sleep(0.02)
                return took
        finally:
            await holder.close()

    before = moment(database_url)
    with structlog.testing.capture_logs() as lines:
        assert asyncio.run(locked()) < 0.3
        released = moment(database_url)
        asked = eventually(lambda: written(database_url))["cpm"]
    assert before <= asked < released


@pytest.mark.requirement("K10")
def test_a_process_whose_autoscaler_does_not_ask_has_no_such_layer(make_settings: MakeSettings) -> None:
    layers = {
        noted: [one.cls for one in create(make_settings(requests_noted=noted), Role.CPM).user_middleware]
        for noted in (True, False)
    }
    assert layers[True].count(Asked) == 1
    assert layers[False] == [one for one in layers[True] if one is not Asked]
    assert make_settings().requests_noted is False
