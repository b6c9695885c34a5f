"""Reads on a real standby (B02, B05): what it has is read there, and what it does not have yet is never missed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import redis
from conftest import PASSWORD, USER, Servers, apart, eventually, postgres_in
from dashboard_site import MakeDashboard
from sqlalchemy import event
from starlette.testclient import TestClient
from test_dashboard_api import added, made

from app.migrate import migrate
from app.workflow_dashboard.history import HISTORY
from app.workflow_dashboard.settings import DashboardSettings
from localcloud.postgres import PostgresServer, binary
from localcloud.servers import free_port

DATABASE = "contentgen_template"


@dataclass(frozen=True)
class Pair:
    """A primary, and a standby whose replay can be held up."""

    primary: PostgresServer
    standby: PostgresServer

    @staticmethod
    def url(server: PostgresServer) -> str:
        return f"postgresql://{USER}:{PASSWORD}@{server.host}:{server.port}/{DATABASE}?sslmode=disable"

    def replay(self, *, held: bool) -> None:
        self.ask(self.standby, f"SELECT pg_wal_replay_{'pause' if held else 'resume'}()")
        if held:
            # Asked for at once, and in force a moment later.
            assert eventually(lambda: self.ask(self.standby, "SELECT pg_get_wal_replay_pause_state()") == "paused")

    def caught_up(self) -> bool:
        written = self.ask(self.primary, "SELECT pg_current_wal_insert_lsn()::text")
        replayed = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
        return bool(self.ask(self.standby, replayed))

    def ask(self, server: PostgresServer, statement: str) -> object:
        async def run() -> object:
            connection = await asyncpg.connect(self.url(server))
            try:
                return await connection.fetchval(statement)
            finally:
                await connection.close()

        return apart(run())


@pytest.fixture(scope="module")
def pair(folder: Path) -> Iterator[Pair]:
    primary = postgres_in(folder, "dashboard-primary")
    standby = PostgresServer(folder / "dashboard-standby", "127.0.0.1", free_port(), {"max_connections": "100"})
    with primary.running():
        identity = standby.identity()
        address = ("-h", primary.host, "-p", str(primary.port), "-U", USER)
        options = ("-D", str(standby.data), "-R", "-c", "fast", *address)
        subprocess.run(
            [str(binary("pg_basebackup")), *options],
            env={**os.environ, "PGPASSWORD": PASSWORD},
            check=True,
            capture_output=True,
        )
        if identity:
            for path in (standby.data, *standby.data.rglob("*")):
                os.chown(path, identity.uid, identity.gid, follow_symlinks=False)
        with standby.running():
            yield Pair(primary, standby)


@pytest.fixture
def site(pair: Pair, make_dashboard: MakeDashboard) -> Iterator[TestClient]:
    """The back end with its replica, over empty tables."""
    url = pair.url(pair.primary)
    apart(migrate(DashboardSettings(database_url=url, database_url_direct=url), history=HISTORY))  # type: ignore[arg-type]
    pair.ask(pair.primary, "DELETE FROM workflows")
    assert eventually(pair.caught_up)
    yield make_dashboard(database_url=url, database_read_url=pair.url(pair.standby))
    pair.replay(held=False)


def read_there(client: TestClient) -> list[str]:
    """Statements on workflows that the replica is asked from now on."""
    seen: list[str] = []
    replica = client.app.state.services.database.reader.sync_engine

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if "FROM workflows" in statement or "FROM tasks" in statement:
            seen.append(statement)

    event.listen(replica, "before_cursor_execute", note)
    return seen


@pytest.mark.requirement("B05")
def test_lists_workflows_and_tasks_are_read_on_the_replica_and_written_on_the_primary(
    pair: Pair, site: TestClient
) -> None:
    workflow = made(site)["id"]
    added(site, workflow)
    assert eventually(pair.caught_up)
    seen = read_there(site)
    for path in ("/api/workflows", "/api/workflows?limit=10", f"/api/workflows/{workflow}"):
        assert site.get(path).status_code == 200
    assert site.get(f"/api/workflows/{workflow}/tasks").status_code == 200
    assert len(seen) == 4, "one statement each, tasks with their workflows"
    assert site.patch(f"/api/workflows/{workflow}", json={"status": "paused"}).status_code == 200
    assert len(seen) == 4


@pytest.mark.requirement("B05")
def test_a_replica_that_lags_does_not_bring_an_old_list_back_into_the_cache(
    pair: Pair, site: TestClient, servers: Servers
) -> None:
    workflow = made(site)["id"]
    assert eventually(pair.caught_up)
    pair.replay(held=True)
    assert site.patch(f"/api/workflows/{workflow}", json={"name": "Changed"}).status_code == 200
    assert site.get(f"/api/workflows/{workflow}").json()["name"] == "Newsletter", "the replica's own"
    assert site.get("/api/workflows").json()[0]["name"] == "Changed"
    kept = redis.Redis.from_url(servers.redis_url, decode_responses=True).get("workflows:all")
    assert kept is not None and '"Changed"' in kept


def test_a_workflow_that_the_replica_does_not_have_yet_is_found(pair: Pair, site: TestClient) -> None:
    pair.replay(held=True)
    workflow = made(site)["id"]
    task = added(site, workflow)
    assert site.get(f"/api/workflows/{workflow}").json()["id"] == workflow
    assert site.get(f"/api/workflows/{workflow}/tasks").json() == [task]
    assert [one["id"] for one in site.get("/api/workflows").json()] == [workflow]


def test_without_its_replica_the_service_reads_the_primary(pair: Pair, make_dashboard: MakeDashboard) -> None:
    url = pair.url(pair.primary)
    client = make_dashboard(database_url=url, database_read_url="postgresql://u:p@127.0.0.1:1/none")
    workflow = made(client)["id"]
    assert workflow in [one["id"] for one in client.get("/api/workflows").json()]
    assert client.get(f"/api/workflows/{workflow}").status_code == 200


def test_without_the_primary_the_replicas_list_is_answered_and_not_kept(
    pair: Pair, site: TestClient, make_dashboard: MakeDashboard, servers: Servers
) -> None:
    workflow = made(site)["id"]
    assert eventually(pair.caught_up)
    client = make_dashboard(database_url="postgresql://u:p@127.0.0.1:1/none", database_read_url=pair.url(pair.standby))
    assert [one["id"] for one in client.get("/api/workflows").json()] == [workflow]
    assert redis.Redis.from_url(servers.redis_url).exists("workflows:all") == 0
    answer = client.post("/api/workflows", json={"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
