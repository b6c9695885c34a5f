"""`app database`: where a database spends its time, on a server that keeps statistics and on one that does not."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app import inspection
from app.inspection import NO_STATISTICS, Section, inspect
from app.migrate import migrate
from app.settings import Settings
from localcloud.postgres import PostgresServer
from localcloud.servers import free_port
from ops.checkout import CHECKOUT
from tests.app.conftest import PASSWORD, USER

DATABASE = "inspected"
OWNER, SERVICE, LOGIN_PASSWORD = "contentgen_owner_a", "contentgen_a", "first"


@dataclass(frozen=True)
class Inspected:
    server: PostgresServer

    def url(self, user: str, password: str) -> str:
        return f"postgresql://{user}:{password}@{self.server.host}:{self.server.port}/{DATABASE}?sslmode=disable"

    @property
    def settings(self) -> Settings:
        own = self.url(OWNER, LOGIN_PASSWORD)
        return Settings(
            database_url=own,
            database_url_direct=own,
            database_admin_url=self.url(USER, PASSWORD),
            database_logins={SERVICE: LOGIN_PASSWORD},
            database_owner_logins={OWNER: LOGIN_PASSWORD},
        )  # type: ignore[arg-type]

    def sections(self) -> dict[str, Section]:
        """As a service's pod asks, by the login that it has."""
        service = {"database_url_direct": SecretStr(self.url(SERVICE, LOGIN_PASSWORD))}
        return {one.title: one for one in asyncio.run(inspect(self.settings.model_copy(update=service)))}


@pytest.fixture(scope="module")
def inspected(folder: Path) -> Iterator[Inspected]:
    """A server with the module that the stacks preload, migrated as the stacks migrate."""
    parameters = {"shared_preload_libraries": "pg_stat_statements", "fsync": "off"}
    server = PostgresServer(folder / "inspected", "127.0.0.1", free_port(), parameters)
    server.initialise(USER, PASSWORD, DATABASE)
    with server.running():
        found = Inspected(server)
        asyncio.run(migrate(found.settings))
        yield found


def ask(url: str, *statements: str, application: str = "") -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url, server_settings={"application_name": application})
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.mark.requirement("P05")
def test_the_slowest_statements_come_first_and_those_over_a_second_are_named(inspected: Inspected) -> None:
    slow = "SELECT pg_sleep(1.05) AS the_slow_one"
    ask(inspected.url(SERVICE, LOGIN_PASSWORD), slow, "SELECT pg_sleep(0.1) AS the_quick_one")
    found = inspected.sections()
    slowest = found["10 slowest statements by mean time"]
    assert slowest.columns == ("mean_ms", "longest_ms", "calls", "rows", "statement")
    assert len(slowest.rows) <= 10
    assert "the_slow_one" in slowest.rows[0][-1]
    # Values are the server's own placeholders, so nothing that a client wrote is shown.
    assert "1.05" not in slowest.rows[0][-1]
    over = [row[-1] for row in found["statements that took more than 1000 ms at least once"].rows]
    assert any("the_slow_one" in statement for statement in over)
    assert not any("the_quick_one" in statement for statement in over)


@pytest.mark.requirement("P05")
def test_a_statement_that_runs_for_too_long_is_named_with_its_application(
    inspected: Inspected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(inspection.LIMITS, "stuck", 0)

    async def run() -> list[Section]:
        own = inspected.url(SERVICE, LOGIN_PASSWORD)
        stuck = await asyncpg.connect(own, server_settings={"application_name": "stuck-one"})
        idle = await asyncpg.connect(own, server_settings={"application_name": "idle-one"})
        try:
            running = asyncio.create_task(stuck.execute("SELECT pg_sleep(60) AS never_ends"))
            watch = await asyncpg.connect(own)
            active = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'stuck-one' AND state = 'active'"
            while await watch.fetchval(active) is None:
                await asyncio.sleep(0.01)
            await watch.close()
            sections = await inspect(inspected.settings)
            stuck.terminate()
            await asyncio.gather(running, return_exceptions=True)
            return sections
        finally:
            await idle.close()

    found = {one.title: one for one in asyncio.run(run())}
    [row] = [row for row in found["statements running for more than 300 s"].rows if row[1] == "stuck-one"]
    assert row[3] == "PgSleep"
    assert "never_ends" in row[-1]
    connections = {row[0]: row[1:] for row in found["connections by application"].rows}
    assert connections["stuck-one"] == ("1", "1", "0", "0")
    assert connections["idle-one"] == ("1", "0", "1", "0")


@pytest.mark.requirement("P05")
def test_tables_and_indexes_are_listed_with_their_sizes(inspected: Inspected) -> None:
    found = inspected.sections()
    tables = [row[0] for row in found["20 largest tables, with their indexes"].rows]
    assert "pgqueuer" in tables
    assert found["20 largest indexes, with how often they were used"].columns == ("index", "table", "size", "scans")
    assert all(
        row[2].split()[1] in ("bytes", "kB", "MB")
        for row in found["20 largest indexes, with how often they were used"].rows
    )


def test_the_command_speaks_to_people_and_to_machines(inspected: Inspected) -> None:
    own = inspected.url(SERVICE, LOGIN_PASSWORD)
    environment = {"PATH": os.defpath, "DATABASE_URL": own, "DATABASE_URL_DIRECT": own}

    def told(*arguments: str) -> str:
        command = [sys.executable, "-m", "app", "database", *arguments]
        return subprocess.run(command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout

    assert "10 slowest statements by mean time:" in told()
    sections = [json.loads(line) for line in told("--json").splitlines()]
    assert [one["title"] for one in sections] == [question.title for question in inspection.QUESTIONS]


def test_a_server_without_statistics_says_how_to_get_them_and_answers_the_rest(
    make_settings: Callable[..., Settings],
) -> None:
    found = {one.title: one for one in asyncio.run(inspect(make_settings()))}
    slowest = found["10 slowest statements by mean time"]
    assert slowest.note == NO_STATISTICS
    assert slowest.lines() == [f"10 slowest statements by mean time: {NO_STATISTICS}"]
    assert found["20 largest tables, with their indexes"].rows
