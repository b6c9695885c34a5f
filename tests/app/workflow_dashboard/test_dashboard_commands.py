"""Migrations, settings and commands of workflow-dashboard, as its pods and jobs run them."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from conftest import PASSWORD, USER, Fleet, Servers, apart, postgres_in, run_app
from dashboard_site import MakeDashboard
from shelf import Shelf, run_sql, shelf_in
from sqlalchemy import inspect
from test_dashboard_api import added, made

from app.database import engine
from app.migrate import OtherDatabase, migrate
from app.process_settings import ConfigurationError, Environment, LogLevel, load
from app.schema import latest
from app.workflow_dashboard.history import HISTORY
from app.workflow_dashboard.settings import DashboardSettings, DashboardTaskSettings
from app.workflow_dashboard.tables import metadata
from localcloud.postgres import PostgresServer

URL = "postgresql://workflow_user:secret@primary:5432/workflows"
OTHER = "postgresql://workflow_user:secret@replica:5432/workflows"
PLATFORM = {"activity", "api_keys", "revocations", "feature_flags", "service_modes", "leases"}


def settings_for(url: str) -> DashboardTaskSettings:
    return DashboardTaskSettings(database_url_direct=url)  # type: ignore[arg-type]


def name_of(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]


@pytest.fixture
def empty_url(servers: Servers, dashboard_url: str) -> str:
    name = f"{name_of(dashboard_url)}_empty"
    run_sql(servers, "postgres", f"CREATE DATABASE {name} TEMPLATE template0")
    return servers.database_url(name)


def test_two_migrations_at_once_and_a_third_leave_one_schema(servers: Servers, empty_url: str) -> None:
    async def both() -> None:
        await asyncio.gather(*(migrate(settings_for(empty_url), history=HISTORY) for _ in range(2)))

    asyncio.run(both())
    done = asyncio.run(migrate(settings_for(empty_url), history=HISTORY))
    assert (done.version, done.partitions) == ("0002", ())
    assert latest(HISTORY.package) == HISTORY.head() == "0002"
    history = run_sql(servers, name_of(empty_url), "SELECT version FROM migration_history")
    assert history == [("0001",), ("0002",)]


@pytest.mark.requirement("B05")
def test_the_schema_has_the_documents_tables_and_indexes(servers: Servers, dashboard_url: str) -> None:
    database = name_of(dashboard_url)
    tables = {row[0] for row in run_sql(servers, database, "SELECT tablename FROM pg_tables WHERE schemaname='public'")}
    assert tables == {"workflows", "tasks", "alembic_version", "migration_history", *PLATFORM}
    indexes = dict(run_sql(servers, database, "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"))
    assert str(indexes["idx_workflows_user_id"]).endswith("ON public.workflows USING btree (user_id)")
    assert str(indexes["idx_tasks_status"]).endswith("ON public.tasks USING btree (status)")


def test_the_code_sees_the_tables_as_the_migrations_make_them(dashboard_url: str) -> None:
    async def compared() -> list[str]:
        there = engine(DashboardSettings(database_url=dashboard_url), settings_for(dashboard_url).database_url_direct)  # type: ignore[arg-type]
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


@pytest.mark.parametrize(("product", "table"), [("content-generation", "jobs"), ("workflow-dashboard", "workflows")])
def test_the_database_of_another_product_is_refused_with_the_fix(
    dashboard_fleet: Fleet, dashboard_url: str, database_url: str, product: str, table: str
) -> None:
    foreign = {"content-generation": dashboard_url, "workflow-dashboard": database_url}[product]
    variables = {"DATABASE_URL_DIRECT": foreign, "DATABASE_URL": foreign}
    done = run_app(dashboard_fleet, "migrate", "--product", product, **variables)
    assert done.returncode == 1
    assert f"has no table '{table}', so it is not {product}'s" in done.stdout
    assert "give the right --product" in done.stdout


def test_a_foreign_database_is_left_as_it_was(servers: Servers, database_url: str) -> None:
    with pytest.raises(OtherDatabase):
        asyncio.run(migrate(settings_for(database_url), history=HISTORY))
    assert run_sql(servers, name_of(database_url), "SELECT to_regclass('workflows')") == [(None,)]


def test_the_job_migrates_and_the_pods_serve_with_what_the_contract_gives_them(
    dashboard_fleet: Fleet, empty_url: str, tmp_path: Path
) -> None:
    alone = {name: dashboard_fleet.environment[name] for name in ("PATH", "PYTHONPATH", "HOST")}
    job = Fleet({**alone, "DATABASE_URL_DIRECT": empty_url}, tmp_path)
    done = run_app(job, "migrate", "--product", "workflow-dashboard")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["version"] == "0002"
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "database_url").write_text(empty_url)
    (secrets / "redis_url").write_text(dashboard_fleet.environment["REDIS_URL"])
    pod = Fleet({**alone, "SECRETS_DIR": str(secrets), "ENV": "dev", "LOG_LEVEL": "debug"}, tmp_path)
    with pod.process("workflows", "serve", "--role", "workflows") as (process, url):
        assert httpx.post(f"{url}/api/workflows", json={"name": "x"}).status_code == 201
        assert httpx.get(f"{url}/api/ready").json() == {"ready": True}
        health = run_app(pod, "health", url, "--product", "workflow-dashboard")
        assert health.returncode == 0, health.stdout
        assert "/health/stripe" not in health.stdout
        process.terminate()
        assert process.wait(timeout=20) == 0
    assert "postgres-password" not in pod.log("workflows").read_text()


@pytest.fixture(scope="module")
def managed(folder: Path) -> Iterator[PostgresServer]:
    server = postgres_in(folder, "dashboard-managed")
    with server.running():
        yield server


def test_the_service_logs_in_as_the_documents_user_which_may_change_rows_and_nothing_else(
    managed: PostgresServer, make_dashboard: MakeDashboard
) -> None:
    def url(user: str, password: str) -> str:
        return f"postgresql://{user}:{password}@{managed.host}:{managed.port}/contentgen_template"

    settings = DashboardTaskSettings(
        database_url_direct=url("workflow_owner", "first"),
        database_admin_url=url(USER, PASSWORD),
        database_logins={"workflow_user": "second"},
        database_owner_logins={"workflow_owner": "first"},
    )  # type: ignore[arg-type]
    for _ in range(2):
        apart(migrate(settings, history=HISTORY))
    client = make_dashboard(database_url=url("workflow_user", "second"))
    workflow = made(client)["id"]
    added(client, workflow)
    assert client.delete(f"/api/workflows/{workflow}").status_code == 204

    async def refused(statement: str) -> bool:
        connection = await asyncpg.connect(url("workflow_user", "second"))
        try:
            await connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            return True
        finally:
            await connection.close()
        return False

    for statement in (
        "CREATE TABLE t ()",
        "DROP TABLE workflows",
        "ALTER TABLE tasks ADD COLUMN x int",
        "TRUNCATE workflows CASCADE",
        "DROP INDEX idx_tasks_status",
        "CREATE ROLE r",
    ):
        assert apart(refused(statement)), statement


@pytest.mark.requirement("Z02")
def test_the_variables_have_the_documents_names_and_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "DATABASE_URL": URL,
        "DATABASE_READ_URL": OTHER,
        "REDIS_URL": "redis://cache:6379/0",
        "SENTRY_DSN": "https://key@sentry.io/1",
        "ENV": "prod",
        "LOG_LEVEL": "debug",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    found = load(DashboardSettings)
    assert (found.environment, found.log_level, found.keys_required) == (Environment.PROD, LogLevel.DEBUG, True)
    assert found.database_read_url is not None and found.database_read_url.get_secret_value() == OTHER
    assert found.redis_url is not None and found.redis_url.get_secret_value() == "redis://cache:6379/0"
    assert (found.database_pool_size, found.database_max_overflow) == (20, 40)
    assert found.traces_sample_rate == 0.1
    monkeypatch.setenv("DATABASE_POOL_SIZE", "10")
    assert load(DashboardSettings).database_pool_size == 10
    monkeypatch.setenv("ENVIRONMENT", "staging")
    assert load(DashboardSettings).environment is Environment.STAGING


def test_a_task_needs_its_way_past_the_pooler_and_the_service_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.delenv("DATABASE_URL_DIRECT", raising=False)
    assert load(DashboardSettings).database_url_direct.get_secret_value() == URL
    with pytest.raises(ConfigurationError, match="DATABASE_URL_DIRECT: Field required"):
        load(DashboardTaskSettings)
    monkeypatch.setenv("ENV", "production")
    with pytest.raises(ConfigurationError, match="ENV: Input should be 'local', 'dev', 'staging' or 'prod'"):
        load(DashboardSettings)


@pytest.fixture
def shelf(dashboard_fleet: Fleet, dashboard_url: str, servers: Servers, aws: str) -> Shelf:
    jobs = Fleet({**dashboard_fleet.environment, "DATABASE_URL_DIRECT": dashboard_url}, dashboard_fleet.folder)
    return shelf_in(jobs, servers, aws)


def test_a_backup_is_checked_and_restored_with_its_workflows(
    shelf: Shelf, make_dashboard: MakeDashboard, servers: Servers, dashboard_url: str
) -> None:
    client = make_dashboard()
    workflow = made(client)["id"]
    added(client, workflow)
    manifest = shelf.backup()
    assert (manifest["tables"]["workflows"], manifest["tables"]["tasks"], manifest["migration"]) == (1, 1, "0002")
    status, output = shelf.check()
    assert status == 0, output
    client.delete(f"/api/workflows/{workflow}")
    status, output = shelf.restore(name_of(dashboard_url), "--force")
    assert status == 0, output
    assert run_sql(servers, name_of(dashboard_url), "SELECT count(*) FROM tasks") == [(1,)]


@pytest.mark.parametrize(
    ("schedule", "chores"),
    [
        ("daily", ["revocations", "analyze"]),
        ("weekly", ["revoked keys", "vacuum", "keys older than a quarter"]),
        ("monthly", ["reindex"]),
    ],
)
def test_the_care_of_the_database_is_done_by_schedule(shelf: Shelf, schedule: str, chores: list[str]) -> None:
    done = run_app(shelf.fleet, "maintenance", schedule)
    assert done.returncode == 0, done.stdout
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["task"] for line in told] == chores
    assert all(line["error"] == "" for line in told)


def test_the_inspection_asks_for_the_ten_slowest_statements(shelf: Shelf) -> None:
    done = run_app(shelf.fleet, "database", "--json")
    assert done.returncode == 0, done.stdout
    titles = [json.loads(line)["title"] for line in done.stdout.splitlines()]
    assert titles[0] == "10 slowest statements by mean time"
    largest = next(json.loads(line) for line in done.stdout.splitlines() if "largest tables" in line)
    assert "workflows" in {row[0] for row in largest["rows"]}


def test_the_lean_process_does_not_import_what_it_does_not_run() -> None:
    code = (
        "import sys, app.cli, app.server, app.workflow_dashboard.application;"
        "print(*sorted({'pgqueuer', 'alembic', 'boto3', 'openai', 'app.worker', 'app.jobs'} & set(sys.modules)))"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
