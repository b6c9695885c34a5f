"""The commands of the image, as processes."""

import asyncio
import json
from functools import partial

import asyncpg
import httpx
import pytest
from conftest import Fleet, run_app

from app.checkup import ENDPOINTS, SECONDS, examine


@pytest.mark.requirement("K17")
@pytest.mark.parametrize("schedule", ["daily", "weekly", "monthly"])
def test_maintenance_can_be_tried_run_and_run_again(fleet: Fleet, schedule: str) -> None:
    runs = [run_app(fleet, "maintenance", schedule, *flags) for flags in (["--dry-run"], [], [])]
    for done in runs:
        assert done.returncode == 0, done.stdout + done.stderr
    tried, first, again = ([json.loads(line) for line in done.stdout.splitlines() if '"task"' in line] for done in runs)
    assert (
        [entry["task"] for entry in tried] == [entry["task"] for entry in first] == [entry["task"] for entry in again]
    )
    assert all(entry["dry_run"] for entry in tried) and not any(entry["dry_run"] for entry in first)


@pytest.mark.requirement("K17")
def test_old_things_go_and_young_ones_stay(fleet: Fleet, database_url: str) -> None:
    async def prepare() -> None:
        connection = await asyncpg.connect(database_url)
        rows = [("old", "2 days"), ("young", "1 hour")]
        statement = "INSERT INTO idempotency_keys VALUES ($1, $1, 'x', 'j', now() - $2::text::interval)"
        await connection.executemany(statement, rows)
        await connection.execute("CREATE TABLE jobs_2001_01 (LIKE jobs INCLUDING ALL)")
        attach = "ALTER TABLE jobs ATTACH PARTITION jobs_2001_01 FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')"
        await connection.execute(attach)
        await connection.close()

    async def left() -> tuple[list[str], bool]:
        connection = await asyncpg.connect(database_url)
        keys = [row[0] for row in await connection.fetch("SELECT owner FROM idempotency_keys")]
        partition = await connection.fetchval("SELECT to_regclass('jobs_2001_01') IS NOT NULL")
        await connection.close()
        return keys, partition

    asyncio.run(prepare())
    run_app(fleet, "maintenance", "daily", "--dry-run")
    run_app(fleet, "maintenance", "monthly", "--dry-run")
    assert asyncio.run(left()) == (["old", "young"], True)
    assert run_app(fleet, "maintenance", "daily").returncode == 0
    done = run_app(fleet, "maintenance", "monthly")
    assert done.returncode == 0, done.stdout
    assert asyncio.run(left()) == (["young"], False)


def test_keys_are_made_listed_and_revoked_by_command(fleet: Fleet) -> None:
    made = run_app(fleet, "keys", "create", "acme", "--tier", "pro")
    key = json.loads(made.stdout.splitlines()[-1])
    assert key["tier"] == "pro" and key["secret"].startswith(f"cg_{key['id']}_")
    listed = run_app(fleet, "keys", "list", "--client-id", "acme")
    assert key["id"] in listed.stdout and key["secret"] not in listed.stdout
    assert run_app(fleet, "keys", "revoke", key["id"]).returncode == 0
    assert run_app(fleet, "keys", "revoke", key["id"]).returncode == 1


def test_a_flag_is_set_and_switched_off_by_command(fleet: Fleet) -> None:
    assert run_app(fleet, "flags", "set", "new-writer", "--percent", "10").returncode == 0
    run_app(fleet, "flags", "set", "new-writer", "--percent", "10", "--off")
    flag = json.loads(run_app(fleet, "flags", "list").stdout.splitlines()[-1])
    assert (flag["name"], flag["enabled"], flag["percent"]) == ("new-writer", False, 10)


def test_wrong_usage_ends_with_code_two(fleet: Fleet) -> None:
    assert run_app(fleet, "maintenance", "yearly").returncode == 2
    assert run_app(fleet, "serve", "--role", "nobody").returncode == 2


@pytest.mark.requirement("O16")
def test_the_health_command_says_pass_or_fail_for_each_endpoint(fleet: Fleet) -> None:
    with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
        good = run_app(fleet, "health", api)
        assert good.returncode == 0 and good.stdout.count("PASS /") == len(ENDPOINTS)
        assert "PASS /docs: 200" in good.stdout
        with fleet.process("frontend", "serve", "--role", "frontend") as (_, page):
            both = run_app(fleet, "health", api, "--page", page)
            assert both.returncode == 0 and f"PASS {page}: 200" in both.stdout
        alone = run_app(fleet, "health", api, "--page", page)
        assert alone.returncode == 1 and f"FAIL {page}: ConnectError" in alone.stdout
    away = {"REDIS_URL": "redis://127.0.0.1:1/0", "STRIPE_API_URL": "http://127.0.0.1:1"}
    with fleet.process("cpm", "serve", "--role", "cpm", **away) as (_, api):
        partly = run_app(fleet, "health", api)
        assert partly.returncode == 1
        assert "FAIL /health/cache: 503" in partly.stdout and "PASS /ready: 200" in partly.stdout
        assert "FAIL /health/stripe: 503" in partly.stdout
    gone = run_app(fleet, "health", "http://127.0.0.1:1")
    assert gone.returncode == 1 and gone.stdout.count("FAIL /") == len(ENDPOINTS)
    assert SECONDS == 10
    assert set(ENDPOINTS) >= {"/health", "/health/db", "/health/cache", "/health/sentry", "/health/stripe", "/ready"}


@pytest.mark.requirement("O16")
@pytest.mark.parametrize(("status", "good"), [(404, True), (500, False)])
def test_documents_that_production_closes_are_no_failure(
    monkeypatch: pytest.MonkeyPatch, status: int, good: bool
) -> None:
    def answer(asked: httpx.Request) -> httpx.Response:
        return httpx.Response(status if asked.url.path == "/docs" else 200, stream=httpx.ByteStream(b""))

    client = partial(httpx.Client, transport=httpx.MockTransport(answer))
    monkeypatch.setattr("app.checkup.httpx.Client", client)
    found = {finding.endpoint: finding.good for finding in examine("http://service")}
    assert found == {endpoint: good if endpoint == "/docs" else True for endpoint in ENDPOINTS}
