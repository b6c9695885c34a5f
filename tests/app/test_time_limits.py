"""Tasks over whole tables have time limits of their own; requests keep theirs."""

from collections.abc import Callable, Coroutine

import pytest
from conftest import Fleet, Servers, apart, run_app
from shelf import shelf_in
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from under_load import run_sql

from app import time_limits
from app.database import Database, DatabaseUnavailable
from app.migrate import migrate
from app.settings import Settings
from app.time_limits import SECONDS, Task

SHORT = {"DATABASE_STATEMENT_TIMEOUT_SECONDS": "0.5"}


def test_every_task_has_a_limit() -> None:
    assert set(SECONDS) == set(Task)
    assert all(seconds >= 60 for seconds in SECONDS.values())


def slow(task: Task | None, make_settings: Callable[..., Settings]) -> Coroutine[None, None, None]:
    async def ask() -> None:
        database = Database(make_settings(database_statement_timeout_seconds=0.5), task=task)
        try:
            async with database.write() as connection:
                await connection.execute(text("SELECT pg_sleep(1)"))
        finally:
            await database.close()

    return ask()


def test_a_task_may_take_longer_than_a_request_and_a_request_may_not(make_settings: Callable[..., Settings]) -> None:
    with pytest.raises(DatabaseUnavailable, match="TimeoutError"):
        apart(slow(None, make_settings))
    apart(slow(Task.BACKUP, make_settings))


def test_the_server_ends_what_is_longer_than_its_task_may_take(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limits, "SECONDS", {Task.SEED: 0.2})
    with pytest.raises(DatabaseUnavailable, match="statement timeout"):
        apart(slow(Task.SEED, make_settings))


def delayed(url: str) -> None:
    """Reading the table `slow` takes as long as a table does that is a thousand times as large."""
    run_sql(
        url,
        "CREATE TABLE slow (id int)",
        "INSERT INTO slow VALUES (1)",
        "CREATE FUNCTION wait(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1 FROM pg_sleep(0.8)'",
        "CREATE INDEX slow_index ON slow (wait(id))",
        "SELECT 1",
    )


def test_maintenance_goes_on_for_longer_than_a_request_may(fleet: Fleet, database_url: str) -> None:
    delayed(database_url)
    done = run_app(fleet, "maintenance", "monthly", **SHORT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_index_may_take_longer_than_a_request(make_settings: Callable[..., Settings], database_url: str) -> None:
    rewind(database_url)
    apart(migrate(make_settings(database_statement_timeout_seconds=0.01)))
    assert run_sql(database_url, "SELECT to_regclass('jobs_client') IS NOT NULL AS there")[0]["there"]


def rewind(url: str) -> None:
    run_sql(
        url,
        "INSERT INTO jobs (id, created_at, client_id, topic, content_type, priority, status, expires_at)"
        " SELECT gen_random_uuid(), now(), 'c' || i, 'x', 'blog', 'cost', 'completed', now()"
        " FROM generate_series(1, 20000) i",
        "DROP INDEX jobs_client",
        "UPDATE alembic_version SET version_num = '0001'",
        "SELECT 1",
    )


def test_a_migration_that_fails_says_why(
    make_settings: Callable[..., Settings], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewind(database_url)
    monkeypatch.setattr(time_limits, "SECONDS", {Task.MIGRATE: 0.001})
    with pytest.raises(DBAPIError, match="statement timeout"):
        apart(migrate(make_settings()))


def test_a_backup_counts_for_longer_than_a_request_may(
    fleet: Fleet, servers: Servers, aws: str, database_url: str
) -> None:
    shelf = shelf_in(fleet, servers, aws)
    fleet.environment.update(DATABASE_STATEMENT_TIMEOUT_SECONDS="0.02")
    run_sql(database_url, "CREATE TABLE large AS SELECT i FROM generate_series(1, 1000000) i", "SELECT 1")
    assert shelf.backup()["tables"]["large"] == 1_000_000
