"""Maintenance while something is in its way, and what it does with rows that are where they should not be."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime

import asyncpg
import pytest
from conftest import Fleet, apart, eventually, run_app
from under_load import run_sql

from app import partitions
from app.database import Database
from app.maintenance import Done, Schedule, run
from app.partitions import Month
from app.settings import Settings
from app.time_limits import Task

INSERT = (
    "INSERT INTO jobs (id, created_at, client_id, topic, content_type, priority, expires_at)"
    " VALUES ('{id}', '{at}', 'acme', 'x', 'blog', 'cost', now())"
)
TABLES = "SELECT tableoid::regclass::text AS name FROM jobs ORDER BY id"


async def done(settings: Settings, schedule: Schedule, **patience: float) -> dict[str, Done]:
    return {one.task: one async for one in run(settings, schedule, dry_run=False, **patience)}


def test_a_failed_vacuum_leaves_the_other_tasks_done_and_ends_with_one(fleet: Fleet, database_url: str) -> None:
    run_sql(
        database_url,
        "CREATE TABLE broken (id int)",
        "INSERT INTO broken VALUES (1)",
        "CREATE FUNCTION fails(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
        " $$ BEGIN IF current_setting('application_name') ~ 'maint' THEN RAISE 'broken'; END IF; RETURN 1; END $$",
        "CREATE INDEX broken_index ON broken (fails(id))",
        "INSERT INTO api_keys VALUES ('old', 'x', 'acme', '', 'free', '2020-01-01')",
        "SELECT 1",
    )
    weekly = run_app(fleet, "maintenance", "weekly")
    assert weekly.returncode == 1
    said = {one["task"]: one for one in map(json.loads, weekly.stdout.splitlines()) if "changed" in one}
    assert list(said) == ["queue statistics", "revoked keys", "vacuum", "keys older than a quarter"]
    assert "broken" in said["vacuum"]["error"]
    assert said["keys older than a quarter"]["changed"] == 1
    analysed = "SELECT last_vacuum IS NOT NULL AS done FROM pg_stat_user_tables WHERE relname = 'service_modes'"
    assert eventually(lambda: run_sql(database_url, analysed)[0]["done"]), "the tables after the broken one too"


def test_what_waits_for_a_dump_is_done_after_it_and_the_others_before(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    month = Month.of(datetime.now(UTC)).plus(3)
    old = "INSERT INTO idempotency_keys VALUES ('o', 'k', 'x', 'j', now() - interval '3 days')"
    run_sql(database_url, f"DROP TABLE {month.table}", old, "SELECT 1")
    settings = make_settings(migration_lock_timeout_seconds=0.2)

    async def beside_a_dump() -> list[tuple[str, bool]]:
        order: list[tuple[str, bool]] = []
        dump = await asyncpg.connect(database_url)
        try:
            reading = dump.transaction()
            await reading.start()
            await dump.execute("LOCK TABLE jobs_default IN ACCESS SHARE MODE")
            async for one in run(settings, Schedule.DAILY, dry_run=False, pause=0.1):
                order.append((one.task, bool(one.error)))
                if one.task == "cost report":
                    await reading.rollback()
            return order
        finally:
            await dump.close()

    assert apart(beside_a_dump()) == [
        ("revocations", False),
        ("idempotency keys", False),
        ("queue log", False),
        ("analyze", False),
        ("cost report", False),
        ("partitions ahead", False),
    ]
    assert run_sql(database_url, f"SELECT to_regclass('{month.table}') IS NOT NULL AS there")[0]["there"]


def test_patience_ends_and_a_partition_that_was_not_attached_is_taken_up_the_next_time(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    month = Month.of(datetime.now(UTC)).plus(3)
    run_sql(
        database_url,
        f"DROP TABLE {month.table}",
        f"CREATE TABLE {month.table} (LIKE jobs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
        "SELECT 1",
    )
    settings = make_settings(migration_lock_timeout_seconds=0.1)

    async def beside_a_dump() -> dict[str, Done]:
        dump = await asyncpg.connect(database_url)
        try:
            async with dump.transaction():
                await dump.execute("LOCK TABLE jobs_default IN ACCESS SHARE MODE")
                return await done(settings, Schedule.DAILY, pause=0.01, patience=0.3)
        finally:
            await dump.close()

    assert "lock timeout" in apart(beside_a_dump())["partitions ahead"].error
    assert apart(done(settings, Schedule.DAILY))["partitions ahead"] == Done("partitions ahead", 1, month.table)


def test_rows_of_the_default_partition_move_into_partitions_of_their_own(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    ahead = {"a": "2031-06-15", "b": "2031-06-30 23:59:59+00", "c": "2031-07-01 00:00:00+00", "d": "2019-01-02"}
    run_sql(database_url, *(INSERT.format(id=name, at=at) for name, at in ahead.items()), "SELECT 1")
    assert {row["name"] for row in run_sql(database_url, TABLES)} == {"jobs_default"}
    made = apart(done(make_settings(), Schedule.DAILY))["partitions ahead"]
    assert made == Done("partitions ahead", 3, "jobs_2019_01, jobs_2031_06, jobs_2031_07")
    assert [row["name"] for row in run_sql(database_url, TABLES)] == [
        "jobs_2031_06",
        "jobs_2031_06",
        "jobs_2031_07",
        "jobs_2019_01",
    ]


def test_a_clock_that_was_wrong_once_stops_no_migration(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    run_sql(database_url, INSERT.format(id="a", at="2031-06-15"), "SELECT 1")

    async def later() -> tuple[str, ...]:
        database = Database(make_settings(), task=Task.MIGRATE)
        try:
            async with database.writer.connect() as connection:
                return await connection.run_sync(partitions.create_ahead, datetime(2031, 4, 1, tzinfo=UTC))
        finally:
            await database.close()

    assert apart(later()) == ("jobs_2031_04", "jobs_2031_05", "jobs_2031_06", "jobs_2031_07")


def test_a_job_that_is_stored_while_rows_move_is_not_lost(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    run_sql(database_url, INSERT.format(id="a", at="2031-06-15"), "SELECT 1")

    async def meanwhile() -> dict[str, Done]:
        client, watch = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
        try:
            accepting = client.transaction()
            await accepting.start()
            await client.execute(INSERT.format(id="b", at="2031-06-16"))
            moving = asyncio.create_task(done(make_settings(), Schedule.DAILY))
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'LOCK TABLE'"
            async with asyncio.timeout(30):
                while not await watch.fetchval(waits):
                    await asyncio.sleep(0)
            await accepting.commit()
            return await moving
        finally:
            await asyncio.gather(client.close(), watch.close())

    assert apart(meanwhile())["partitions ahead"].changed == 1
    assert [row["name"] for row in run_sql(database_url, TABLES)] == ["jobs_2031_06", "jobs_2031_06"]


@pytest.mark.requirement("K17")
def test_the_queues_log_is_cut_after_thirty_days_in_batches(
    make_settings: Callable[..., Settings], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_sql(
        database_url,
        "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint)"
        " SELECT now() - i * interval '1 day', i, 'successful', 0, 'x' FROM generate_series(1, 40) i",
        "SELECT 1",
    )
    assert apart(done(make_settings(), Schedule.DAILY))["queue log"].changed == 11
    assert run_sql(database_url, "SELECT count(*) FROM pgqueuer_log")[0]["count"] == 29


@pytest.mark.requirement("K17")
def test_texts_are_archived_after_six_months_and_figures_stay(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    now = Month.of(datetime.now(UTC))
    for month in (now.plus(-7), now.plus(-6)):
        run_sql(
            database_url,
            INSERT.format(id=month.table, at=month.first_day),
            "UPDATE jobs SET content = '{}', output_tokens = 7",
            "SELECT 1",
        )
    apart(done(make_settings(), Schedule.DAILY))
    assert apart(done(make_settings(), Schedule.MONTHLY))["archive texts"].changed == 1
    rows = run_sql(database_url, "SELECT id, content IS NULL AS archived, output_tokens FROM jobs")
    assert {(row["id"], row["archived"], row["output_tokens"]) for row in rows} == {
        (now.plus(-7).table, True, 7),
        (now.plus(-6).table, False, 7),
    }
