"""Logins of the owner and of the service, two of each: renewing one never touches who works under the other (X02)."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import boto3
import httpx
import pytest
from shelf import KEYS
from sqlalchemy.exc import ProgrammingError

from app import roles
from app.backup import backup
from app.migrate import migrate
from app.restore import restore
from app.scratch import scratch
from app.settings import Settings
from localcloud.postgres import PostgresServer, home
from tests.app.conftest import PASSWORD, USER, Servers, eventually, fleet_over, postgres_in, run_app

ADMINISTRATOR = "renter"
DATABASE = "production"
BODY = {"topic": "Quiet offices", "content_type": "social", "client_id": "acme"}


@dataclass(frozen=True)
class Managed:
    """A server whose administrator is not all-powerful, as a managed one's is not."""

    server: PostgresServer

    def url(self, user: str, password: str, database: str = DATABASE) -> str:
        return f"postgresql://{user}:{password}@{self.server.host}:{self.server.port}/{database}"

    def ask(self, user: str, password: str, query: str, database: str = DATABASE) -> list[asyncpg.Record]:
        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.url(user, password, database))
            try:
                return list(await connection.fetch(query))
            finally:
                await connection.close()

        return asyncio.run(ask())

    def migrate(
        self, active: tuple[str, str], owners: Mapping[str, str], service: Mapping[str, str] | None = None
    ) -> None:
        url = self.url(*active)
        settings = Settings(
            database_url=url,
            database_url_direct=url,
            database_admin_url=self.url(ADMINISTRATOR, PASSWORD),
            database_logins=dict(service or {}),
            database_owner_logins=dict(owners),
        )  # type: ignore[arg-type]
        asyncio.run(migrate(settings))


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Managed]:
    server = postgres_in(folder, "managed")
    with server.running():
        found = Managed(server)
        found.ask(
            USER, PASSWORD, f"CREATE ROLE {ADMINISTRATOR} LOGIN CREATEDB CREATEROLE PASSWORD '{PASSWORD}'", "postgres"
        )
        found.ask(USER, PASSWORD, f"CREATE DATABASE {DATABASE} OWNER {ADMINISTRATOR}", "postgres")
        yield found


def test_a_verifier_tells_nothing_but_whether_a_password_is_right() -> None:
    made = roles.verifier("pencil", bytes(range(16)))
    assert made.startswith("SCRAM-SHA-256$4096:AAECAwQFBgcICQoLDA0ODw==$")
    assert made == roles.verifier("pencil", bytes(range(16)))
    assert made != roles.verifier("pencils", bytes(range(16)))
    assert "pencil" not in made


def test_a_name_that_is_more_than_a_name_is_refused(managed: Managed) -> None:
    with pytest.raises(ValueError, match="no name for a login"):
        managed.migrate(("a", "x"), {"a; DROP ROLE b": "x"})


@pytest.mark.requirement("X02")
def test_both_logins_work_on_the_same_tables_and_own_none_of_them(managed: Managed) -> None:
    managed.migrate(("a", "first"), {"a": "first", "b": "second"})
    for login in (("a", "first"), ("b", "second")):
        assert managed.ask(*login, "SELECT current_user")[0][0] == roles.OWNER
        managed.ask(*login, f"CREATE TABLE made_by_{login[0]} (id int)")
    owners = managed.ask("a", "first", "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert [row[0] for row in owners] == [roles.OWNER]
    managed.ask("b", "second", "INSERT INTO made_by_a VALUES (1)")


@pytest.mark.requirement("X02")
def test_renewing_one_login_leaves_the_other_and_its_sessions_alone(managed: Managed) -> None:
    managed.migrate(("a", "first"), {"a": "first", "b": "second"})

    async def renewed() -> int:
        working = await asyncpg.connect(managed.url("a", "first"))
        try:
            await asyncio.to_thread(managed.migrate, ("b", "third"), {"b": "third"})
            again = await asyncpg.connect(managed.url("a", "first"))
            await again.close()
            return int(await working.fetchval("SELECT 1"))
        finally:
            await working.close()

    assert asyncio.run(renewed()) == 1
    assert managed.ask("b", "third", "SELECT 1")
    with pytest.raises(asyncpg.InvalidPasswordError):
        managed.ask("b", "second", "SELECT 1")


@pytest.mark.requirement("W03")
def test_the_administrator_makes_the_scratch_database_and_the_applications_login_owns_what_it_restores(
    managed: Managed,
) -> None:
    managed.migrate(("a", "first"), {"a": "first", "b": "second"})
    url = managed.url("a", "first")
    settings = Settings(
        database_url=url, database_url_direct=url, database_admin_url=managed.url(ADMINISTRATOR, PASSWORD)
    )  # type: ignore[arg-type]

    async def used() -> str:
        async with scratch(settings) as beside:
            there = await asyncpg.connect(beside.settings.database_url_direct.get_secret_value())
            try:
                await there.execute("CREATE TABLE restored (id int)")
                return str(await there.fetchval("SELECT current_database()"))
            finally:
                await there.close()

    name = asyncio.run(used())
    assert name.startswith(f"{DATABASE}_scratch_")
    assert name not in {row[0] for row in managed.ask("a", "first", "SELECT datname FROM pg_database")}
    alone = settings.model_copy(update={"database_admin_url": None})

    async def refused() -> None:
        async with scratch(alone):
            raise AssertionError("the application's login made a database")

    with pytest.raises(ProgrammingError, match="permission denied to create database"):
        asyncio.run(refused())


SERVICE = {"s": "third", "t": "fourth"}
FORBIDDEN = (
    "DROP TABLE jobs",
    "CREATE TABLE mine (id int)",
    "ALTER TABLE jobs ADD COLUMN mine int",
    "TRUNCATE jobs",
    "CREATE INDEX mine ON jobs (topic)",
    "DROP VIEW daily_costs",
    "DROP SCHEMA public CASCADE",
    "CREATE SCHEMA mine",
    f"SET ROLE {roles.OWNER}",
)


@pytest.mark.requirement("X02")
@pytest.mark.parametrize("statement", FORBIDDEN, ids=lambda statement: " ".join(statement.split()[:3]))
def test_the_services_login_changes_no_table(managed: Managed, statement: str) -> None:
    managed.migrate(("a", "first"), {"a": "first"}, SERVICE)
    for login in SERVICE.items():
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            managed.ask(*login, statement)


def test_the_services_login_reads_and_changes_rows_of_tables_that_come_later_too(managed: Managed) -> None:
    managed.migrate(("a", "first"), {"a": "first"}, SERVICE)
    managed.ask("a", "first", "CREATE TABLE IF NOT EXISTS later (id bigserial PRIMARY KEY, name text)")
    bounds = "FROM ('2033-01-01') TO ('2033-02-01')"
    managed.ask("a", "first", f"CREATE TABLE jobs_2033_01 PARTITION OF jobs FOR VALUES {bounds}")
    for statement in (
        "INSERT INTO later (name) VALUES ('x')",
        "UPDATE later SET name = 'y'",
        "SELECT * FROM jobs_2033_01",
        "SELECT * FROM daily_costs",
        "SELECT version_num FROM alembic_version",
        "INSERT INTO pgqueuer (priority, status, entrypoint) VALUES (1, 'queued', 'x')",
        "INSERT INTO pgqueuer_log (job_id, status, priority, entrypoint) VALUES (1, 'queued', 1, 'x')",
        "DELETE FROM pgqueuer",
        "DELETE FROM later",
    ):
        managed.ask("s", "third", statement)


def test_logins_that_were_the_owners_become_the_services(managed: Managed) -> None:
    managed.migrate(("a", "first"), {"a": "first", "u": "fifth"})
    assert managed.ask("u", "fifth", "SELECT current_user")[0][0] == roles.OWNER
    managed.migrate(("a", "first"), {"a": "first"}, {"u": "sixth"})
    assert managed.ask("u", "sixth", "SELECT current_user")[0][0] == "u"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        managed.ask("u", "sixth", "DROP TABLE jobs")
    assert managed.ask("u", "sixth", "SELECT count(*) FROM jobs")


@pytest.mark.requirement("W06")
def test_a_restore_by_logins_that_are_not_all_powerful_gives_the_service_its_rights_again(
    managed: Managed, aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed.migrate(("a", "first"), {"a": "first"}, SERVICE)
    managed.ask("s", "third", "INSERT INTO feature_flags VALUES ('restored', true, 1, now())")
    for name, value in {**KEYS, "endpoint_url": aws}.items():
        monkeypatch.setenv(f"AWS_{name.removeprefix('aws_').replace('region_name', 'default_region').upper()}", value)
    boto3.client("s3", endpoint_url=aws, **KEYS).create_bucket(Bucket="managed")
    url = managed.url("a", "first")
    settings = Settings(
        database_url=url,
        database_url_direct=url,
        database_admin_url=managed.url(ADMINISTRATOR, PASSWORD),
        database_storage_gb=1,
        backup_bucket="managed",
        pg_bin=str(home() / "bin"),
    )  # type: ignore[arg-type]
    asyncio.run(backup(settings))
    managed.ask("s", "third", "DELETE FROM feature_flags")
    restored = asyncio.run(restore(settings, force=True))
    assert restored.kept_as in {row[0] for row in managed.ask("a", "first", "SELECT datname FROM pg_database")}
    assert managed.ask("s", "third", "SELECT name FROM feature_flags")[0][0] == "restored"
    managed.ask("s", "third", "INSERT INTO feature_flags VALUES ('new', true, 1, now())")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        managed.ask("s", "third", "DROP TABLE feature_flags")
    managed.migrate(("a", "first"), {"a": "first"}, SERVICE)


@pytest.mark.requirement("W06")
def test_the_service_works_on_a_database_that_took_the_place_of_another(managed: Managed) -> None:
    managed.migrate(("a", "first"), {"a": "first"}, SERVICE)
    url = managed.url("a", "first")
    settings = Settings(
        database_url=url, database_url_direct=url, database_admin_url=managed.url(ADMINISTRATOR, PASSWORD)
    )  # type: ignore[arg-type]

    async def replaced() -> str | None:
        client = await asyncpg.connect(managed.url("s", "third"))
        async with scratch(settings) as beside:
            copy = beside.settings.model_copy(update={"database_admin_url": None})
            await migrate(copy)
            kept = await beside.take_the_place(keep=True)
        assert client.is_closed()
        return kept

    kept = asyncio.run(replaced())
    assert kept is not None
    assert kept.startswith(f"{DATABASE}_before_")
    assert managed.ask("s", "third", "SELECT count(*) FROM jobs")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        managed.ask("s", "third", "DROP TABLE jobs")
    managed.ask("a", "first", "SELECT 1", kept)


def test_the_whole_service_works_by_a_login_that_changes_rows_only(
    managed: Managed, servers: Servers, tmp_path: Path
) -> None:
    managed.migrate(("a", "first"), {"a": "first"}, SERVICE)
    service, owner = (f"{managed.url(*login)}?sslmode=disable" for login in (("s", "third"), ("a", "first")))
    fleet = fleet_over(service, service, servers.redis_url, tmp_path)
    with (
        fleet.process("cpm", "serve", "--role", "cpm") as (_, api),
        fleet.process("im", "serve", "--role", "im") as (_, im),
        fleet.process("worker", "worker", IM_URL=im),
    ):
        first, second = (httpx.post(f"{api}/generate", json=BODY).json()["job_id"] for _ in range(2))
        eventually(lambda: httpx.get(f"{api}/status/{first}").json()["status"] == "completed")
        httpx.post(f"{api}/cancel/{second}")
        key = json.loads(run_app(fleet, "keys", "create", "acme").stdout.splitlines()[-1])
        erased = httpx.post(f"{api}/erase", json={"client_id": "acme"}, headers={"X-API-Key": key["secret"]})
        assert erased.json()["jobs"] == 2
        assert run_app(fleet, "flags", "set", "x").returncode == 0
    for name in ("cpm", "im", "worker"):
        assert "background task failed" not in fleet.log(name).read_text()
    assert run_app(fleet, "maintenance", "monthly").returncode == 1, "jobs have the owner's login"
    for schedule in ("daily", "weekly", "monthly"):
        done = run_app(fleet, "maintenance", schedule, DATABASE_URL_DIRECT=owner)
        assert done.returncode == 0, done.stdout
