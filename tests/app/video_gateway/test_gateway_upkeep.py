"""Migrations, commands and the care of video-gateway's database, as its pods and jobs run them."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from conftest import Fleet, Servers, run_app
from gateway_site import MakeGateway
from shelf import Shelf, run_sql, shelf_in
from sqlalchemy import inspect
from test_gateway_api import name_of
from test_openapi import CHECKS

from app.database import engine
from app.ids import JobId
from app.migrate import migrate
from app.schema import latest
from app.video_gateway.history import HISTORY
from app.video_gateway.settings import GatewayTaskSettings
from app.video_gateway.tables import metadata

SCHEDULES = {
    "daily": ["expired videos", "temporary files", "queue log", "revocations", "analyze"],
    "weekly": [
        *("queue statistics", "revoked keys", "keys older than a quarter", "vacuum", "largest tables", "indexes"),
    ],
    "monthly": ["archive records", "slow queries", "reindex"],
}


def settings_for(url: str) -> GatewayTaskSettings:
    return GatewayTaskSettings(database_url_direct=url)  # type: ignore[call-arg]


@pytest.fixture
def shelf(gateway_fleet: Fleet, servers: Servers, aws: str) -> Shelf:
    return shelf_in(gateway_fleet, servers, aws)


def care(shelf: Shelf, schedule: str, *options: str) -> dict[str, dict[str, object]]:
    done = run_app(shelf.fleet, "maintenance", schedule, *options, **shelf.variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return {line["task"]: line for line in map(json.loads, done.stdout.splitlines())}


def row(servers: Servers, url: str, age: timedelta, *, status: str = "ready", key: str | None = None) -> str:
    moment = datetime.now(UTC) - age
    video = str(JobId.new("use1", moment))
    run_sql(
        servers,
        name_of(url),
        "INSERT INTO generated_videos (id, created_at, owner, prompt, seconds, priority, status, key, expires_at,"
        " finished_at) VALUES ($1, $2, 'acme', 'A secret', 4, 'low', $3, $4, now(), $2)",
        *(video, moment, status, key),
    )
    return video


def test_two_migrations_at_once_and_a_third_leave_one_schema_with_its_queue(servers: Servers, gateway_url: str) -> None:
    name = f"{name_of(gateway_url)}_empty"
    run_sql(servers, "postgres", f"CREATE DATABASE {name} TEMPLATE template0")
    url = servers.database_url(name)

    async def both() -> None:
        await asyncio.gather(*(migrate(settings_for(url), history=HISTORY) for _ in range(2)))

    asyncio.run(both())
    assert asyncio.run(migrate(settings_for(url), history=HISTORY)).version == "0002"
    assert latest(HISTORY.package) == HISTORY.head() == "0002"
    found = {one[0] for one in run_sql(servers, name, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert {"generated_videos", "archives", "pgqueuer", "api_keys", "feature_flags"} <= found
    assert not found & {"jobs", "recipes", "llm_calls"}


def test_the_code_sees_the_tables_as_the_migrations_make_them(gateway_url: str) -> None:
    async def compared() -> list[str]:
        there = engine(settings_for(gateway_url), settings_for(gateway_url).database_url_direct)
        wrong = []
        async with there.connect() as connection:
            for table in metadata.sorted_tables:
                columns = await connection.run_sync(lambda sync, name=table.name: inspect(sync).get_columns(name))
                found = {column["name"]: column["nullable"] for column in columns}
                if found != {column.name: column.nullable for column in table.columns}:
                    wrong.append(f"{table.name}: {found}")
        await there.dispose()
        return wrong

    assert asyncio.run(compared()) == []


def test_the_database_of_another_product_is_not_migrated(gateway_fleet: Fleet, recipe_url: str) -> None:
    done = run_app(gateway_fleet, "migrate", DATABASE_URL_DIRECT=recipe_url, DATABASE_URL=recipe_url)
    assert done.returncode == 1
    assert "has no table 'generated_videos', so it is not video-gateway's" in done.stdout


def test_a_gateway_without_a_bucket_and_a_worker_of_its_own_are_refused_in_words(gateway_fleet: Fleet) -> None:
    done = run_app(gateway_fleet, "serve", "--role", "videos", VIDEO_BUCKET="")
    assert done.returncode == 2
    assert "VIDEO_BUCKET: not set; name the bucket that videos are stored in" in done.stderr
    done = run_app(gateway_fleet, "worker", "--queue", "video_generation")
    assert done.returncode == 2
    assert "video-gateway has no worker of its own; its roles are videos, videos-page" in done.stderr


def test_every_health_endpoint_of_a_running_gateway_passes_and_figures_name_its_queue(gateway_fleet: Fleet) -> None:
    with gateway_fleet.process("videos", "serve", "--role", "videos", UVICORN_WORKERS="2") as (_, url):
        done = run_app(gateway_fleet, "health", url)
        assert done.returncode == 0, done.stdout
        assert "FAIL" not in done.stdout and "PASS /ready" in done.stdout
        figures = httpx.get(f"{url}/metrics").text
        assert 'queue_waiting_jobs{queue="video_generation"}' in figures
        assert 'queue="ai_generation"' not in figures


@pytest.mark.requirement("K17")
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_command_does_the_lines_of_each_schedule(shelf: Shelf, schedule: str) -> None:
    done = care(shelf, schedule)
    assert list(done) == SCHEDULES[schedule]
    assert {line["error"] for line in done.values()} == {""}


def test_after_seven_days_a_video_is_gone_with_its_prompt_and_after_a_year_its_record_is_archived(
    shelf: Shelf, servers: Servers, gateway_url: str, make_gateway: MakeGateway
) -> None:
    client = make_gateway(api_key_required=False)
    day = timedelta(days=1)
    young, week, old = (row(servers, gateway_url, age, key="videos/a/1.mp4") for age in (6 * day, 7 * day, 366 * day))
    run_sql(servers, name_of(gateway_url), "UPDATE generated_videos SET owner = '~guest'")
    assert [one["id"] for one in client.get("/api/videos").json()] == [young]
    assert client.get(f"/api/videos/{week}").status_code == 404
    assert care(shelf, "daily", "--dry-run")["expired videos"]["changed"] == 2
    assert care(shelf, "daily")["expired videos"]["changed"] == 2
    left = "SELECT id FROM generated_videos WHERE prompt IS NOT NULL OR key IS NOT NULL"
    assert run_sql(servers, name_of(gateway_url), left) == [(young,)]
    assert care(shelf, "monthly")["archive records"]["changed"] == 1
    (kept,) = shelf.store.list_objects_v2(Bucket=shelf.bucket, Prefix="archive/videos/")["Contents"]
    body = shelf.store.get_object(Bucket=shelf.bucket, Key=kept["Key"])["Body"].read()
    (record,) = map(json.loads, gzip.decompress(body).decode().splitlines())
    assert (record["id"], record["seconds"], record["prompt"]) == (old, 4, None)
    rows = run_sql(servers, name_of(gateway_url), "SELECT id FROM generated_videos ORDER BY created_at")
    assert rows == [(week,), (young,)]


def test_a_restored_copy_shows_clients_their_own_videos(shelf: Shelf, servers: Servers, gateway_url: str) -> None:
    row(servers, gateway_url, timedelta())
    shelf.backup()
    name = f"{name_of(gateway_url)}_restored"
    run_sql(servers, "postgres", f"CREATE DATABASE {name} TEMPLATE template0")
    code, said = shelf.restore(name)
    assert code == 0, said
    may = "SELECT has_table_privilege('contentgen_client', 'generated_videos', 'SELECT')"
    assert run_sql(servers, name, may) == [(True,)]


def test_generated_requests_find_no_server_error_and_no_breach_of_the_document_of_videos(gateway_fleet: Fleet) -> None:
    with gateway_fleet.process("videos", "serve", "--role", "videos") as (process, api):
        options = ["--checks", CHECKS, "-n", "6", "--seed", "1", "--phases", "examples,fuzzing", "--no-color"]
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{api}/openapi.json", *options]
        folder = gateway_fleet.folder
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=folder)
        assert done.returncode == 0, done.stdout[-9000:] + done.stderr[-2000:]
        document = httpx.get(f"{api}/openapi.json").json()
        process.terminate()
        assert process.wait(timeout=20) == 0
    assert {"/api/generate", "/api/videos", "/api/videos/{video}", "/api/flags"} <= set(document["paths"])
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path} has no description"
    assert "postgres-password" not in gateway_fleet.log("videos").read_text()


def test_the_page_imports_neither_a_renderer_nor_the_queue() -> None:
    heavy = "{'alembic', 'openai', 'PIL', 'imageio_ffmpeg', 'app.consumer', 'websockets'}"
    for module, found in (("frontend", ""), ("comfyui", "websockets"), ("embedded", "PIL imageio_ffmpeg")):
        code = f"import sys, app.video_gateway.{module};print(*sorted({heavy} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == found, module
