"""Data stored about a client, seen and erased whole, in small steps, whatever there is of it (X03)."""

import asyncio
import json
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import pytest
from conftest import Fleet, Servers, apart
from shelf import shelf_in
from starlette.testclient import TestClient
from under_load import run_sql

from app.database import Database
from app.privacy import Erased, erase, export
from app.settings import Settings

T = TypeVar("T")
JOBS = """
INSERT INTO jobs (id, created_at, client_id, owner, topic, content_type, priority, status, expires_at, content)
SELECT '{name}-' || lpad(i::text, 6, '0'), now() - i * interval '1 second', '{client}', {owner}, 'x', 'blog', 'cost',
    'completed', now(), jsonb_build_object('title', repeat('y', {bytes}))
FROM generate_series(1, {many}) i
"""

CHILDREN = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = '{}'::regclass"


def plant(url: str, name: str, client: str, owner: str | None, many: int, size: int = 10) -> None:
    owned = "NULL" if owner is None else f"'{owner}'"
    run_sql(url, JOBS.format(name=name, client=client, owner=owned, many=many, bytes=size), "SELECT 1")


def using(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        database = Database(settings)
        try:
            return await work(database)
        finally:
            await database.close()

    return apart(run())


@pytest.fixture
def planted(database_url: str) -> str:
    """Jobs of acme by its key and without one, and of another client, one of them under acme's name."""
    plant(database_url, "own", "acme", "acme", 450)
    plant(database_url, "anonymous", "acme", None, 3)
    plant(database_url, "other", "rival", "rival", 2)
    plant(database_url, "named", "acme", "rival", 1)
    run_sql(
        database_url,
        "INSERT INTO api_keys VALUES ('k1', 'hash', 'acme', 'first', 'free'), ('k2', 'hash', 'rival', '', 'free')",
        "INSERT INTO idempotency_keys VALUES ('acme', 'i1', 'x', 'j'), ('client:acme', 'i2', 'x', 'j'),"
        " ('rival', 'i3', 'x', 'j')",
        "INSERT INTO pgqueuer (priority, status, entrypoint, dedupe_key)"
        " SELECT 1, 'queued', 'ai_generation', id FROM jobs WHERE id ~ '-00000[12]'",
        "SELECT 1",
    )
    return database_url


def counts(erased: Erased) -> tuple[int, int, tuple[str, ...]]:
    return erased.jobs, erased.others, erased.keys


async def lines(database: Database) -> list[dict[str, object]]:
    return [json.loads(line) async for line in export(database, "acme")]


@pytest.mark.requirement("X03")
def test_an_export_has_every_row_about_the_client_once_and_says_how_many(
    make_settings: Callable[..., Settings], planted: str
) -> None:
    *rows, last = using(make_settings(), lines)
    assert last == {"rows": 456}
    jobs = [row["row"]["id"] for row in rows if row["table"] == "jobs"]
    assert len(set(jobs)) == len(jobs) == 453
    assert not [name for name in jobs if name.startswith(("other", "named"))]
    others = [(row["table"], row["row"]) for row in rows if row["table"] != "jobs"]
    assert sorted((table, row.get("id") or row["key"]) for table, row in others) == [
        ("api_keys", "k1"),
        ("idempotency_keys", "i1"),
        ("idempotency_keys", "i2"),
    ]
    assert not any(set(row) & {"key_hash", "body_hash"} for _, row in others)


@pytest.mark.requirement("X03")
def test_an_export_is_never_in_memory_whole(make_settings: Callable[..., Settings], database_url: str) -> None:
    plant(database_url, "own", "acme", "acme", 4000, 8000)

    async def peak(database: Database) -> tuple[int, int]:
        tracemalloc.start()
        size = 0
        async for line in export(database, "acme"):
            size += len(line)
        return size, tracemalloc.get_traced_memory()[1]

    size, most = using(make_settings(), peak)
    tracemalloc.stop()
    assert size > 32_000_000
    assert most < 16_000_000


@pytest.mark.requirement("X03")
def test_erasing_takes_everything_of_the_client_and_nothing_of_another(
    make_settings: Callable[..., Settings], planted: str
) -> None:
    assert counts(using(make_settings(), lambda database: erase(database, "acme"))) == (453, 3, ("k1",))
    left = run_sql(planted, "SELECT id FROM jobs ORDER BY id")
    assert [row["id"] for row in left] == ["named-000001", "other-000001", "other-000002"]
    queued = {row["dedupe_key"] for row in run_sql(planted, "SELECT dedupe_key FROM pgqueuer")}
    assert queued == {"named-000001", "other-000001", "other-000002"}
    assert [row["id"] for row in run_sql(planted, "SELECT id FROM api_keys")] == ["k2"]
    assert [row["key"] for row in run_sql(planted, "SELECT key FROM idempotency_keys")] == ["i3"]
    assert [row["client_id"] for row in run_sql(planted, "SELECT client_id FROM erasures")] == ["acme"]
    assert [row["id"] for row in run_sql(planted, "SELECT id FROM revocations")] == ["key:k1"]
    assert counts(using(make_settings(), lambda database: erase(database, "acme"))) == (0, 0, ())


def test_an_interrupted_erasure_goes_on_where_it_stopped(
    make_settings: Callable[..., Settings], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.privacy.BATCH", 100)
    plant(database_url, "own", "acme", "acme", 250)
    run_sql(
        database_url,
        "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF OLD.id = 'own-000100' THEN RAISE 'broken'; END IF; RETURN OLD; END $$",
        "CREATE TRIGGER fails BEFORE DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION fails()",
        "SELECT 1",
    )
    with pytest.raises(Exception, match="broken"):
        using(make_settings(), lambda database: erase(database, "acme"))
    assert run_sql(database_url, "SELECT count(*) FROM jobs")[0]["count"] == 150
    run_sql(database_url, "DROP TRIGGER fails ON jobs", "SELECT 1")
    assert using(make_settings(), lambda database: erase(database, "acme")).jobs == 150


@pytest.mark.requirement("X03")
def test_erasing_and_exporting_use_the_indexes(database_url: str) -> None:
    plant(database_url, "other", "rival", "rival", 20_000)
    plant(database_url, "own", "acme", "acme", 5)
    run_sql(database_url, "ANALYZE jobs", "SELECT 1")
    filled = {
        row["name"] for row in run_sql(database_url, "SELECT DISTINCT tableoid::regclass::text AS name FROM jobs")
    }
    owned, anonymous = "owner = 'acme'", "client_id = 'acme' AND owner IS NULL"
    for condition, index in ((owned, "jobs_owner"), (anonymous, "jobs_client"), ("status = 'failed'", "jobs_failed")):
        plan = plan_of(database_url, f"{condition} ORDER BY created_at LIMIT 1000")
        assert not [name for name in filled if f"Seq Scan on {name}" in plan], plan
        children = CHILDREN.format(index)
        assert any(row["name"] in plan for row in run_sql(database_url, children)), plan


def plan_of(url: str, condition: str) -> str:
    return "\n".join(row[0] for row in run_sql(url, f"EXPLAIN SELECT id FROM jobs WHERE {condition}"))  # noqa: S608


async def waiting(watch: asyncpg.Connection, many: int) -> None:
    """Until so many statements of this database wait for a lock."""
    own = "datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(30):
        while await watch.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {own}") < many:  # noqa: S608
            await asyncio.sleep(0.01)


def test_a_cancellation_and_an_erasure_at_once_do_not_stop_each_other(
    client: TestClient, make_settings: Callable[..., Settings], database_url: str
) -> None:
    """Each holds a job and asks for its place in the queue: in one order, or they would wait for each other."""
    body = {"topic": "Quiet offices", "content_type": "social", "client_id": "acme"}
    job = client.post("/generate", json=body).json()["job_id"]

    async def both() -> tuple[int, Erased]:
        holder = await asyncpg.connect(database_url)
        watch = await asyncpg.connect(database_url)
        database = Database(make_settings())
        try:
            holding = holder.transaction()
            await holding.start()
            await holder.execute("SELECT FROM jobs FOR UPDATE")
            cancelling = asyncio.create_task(asyncio.to_thread(client.post, f"/cancel/{job}"))
            await waiting(watch, 1)
            erasing = asyncio.create_task(erase(database, "acme"))
            await waiting(watch, 2)
            await holding.rollback()
            return (await cancelling).status_code, await erasing
        finally:
            await asyncio.gather(holder.close(), watch.close(), database.close())

    status, erased = apart(both())
    assert (status, erased.jobs, erased.others) == (200, 1, 0)


@pytest.mark.requirement("X03")
def test_a_client_that_was_erased_does_not_come_back_with_a_restored_backup(
    fleet: Fleet, servers: Servers, aws: str, make_settings: Callable[..., Settings], planted: str
) -> None:
    own = planted.rpartition("/")[2].partition("?")[0]
    run_sql(planted, "INSERT INTO erasures VALUES ('rival', now() - interval '1 hour')", "SELECT 1")
    shelf = shelf_in(fleet, servers, aws)
    shelf.backup()
    using(make_settings(), lambda database: erase(database, "acme"))
    status, output = shelf.restore(own, "--force")
    assert status == 0, output
    assert json.loads(output.splitlines()[-1])["erased_again"] == 1
    left = run_sql(planted, "SELECT DISTINCT owner FROM jobs")
    assert [row["owner"] for row in left] == ["rival"], "rival came back after it had been erased, before the backup"
    assert {row["client_id"] for row in run_sql(planted, "SELECT client_id FROM erasures")} == {"acme", "rival"}
    assert [row["id"] for row in run_sql(planted, "SELECT id FROM api_keys")] == ["k2"]
