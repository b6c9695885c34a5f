"""TEMPLATE_name's service on a real Postgres: API, page, health, metrics."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect
from starlette.testclient import TestClient

from app import database, migrate
from app.TEMPLATE_package.application import ROUTERS, create
from app.TEMPLATE_package.history import HISTORY
from app.TEMPLATE_package.settings import Settings, TaskSettings
from app.TEMPLATE_package.tables import metadata
from localcloud.postgres import PostgresServer
from localcloud.servers import free_port
from ops.stack_files import planned
from tests.unit.program import ROOT
from tests.unit.test_public_paths import covered, public_paths

Make = Callable[..., TestClient]
SECRET = "postgres-password"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A migrated database, in a folder that the server's own user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="contentgen-test-"))
    folder.chmod(0o755)
    server = PostgresServer(folder / "postgres", "127.0.0.1", free_port(), {"fsync": "off"})
    server.initialise("contentgen", SECRET, "items")
    with server.running():
        found = f"postgresql://contentgen:{SECRET}@{server.host}:{server.port}/items?sslmode=disable"
        task = TaskSettings(database_url_direct=found)  # type: ignore[arg-type]
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, migrate.migrate(task, history=HISTORY)).result()
        yield found
    shutil.rmtree(folder)


@pytest.fixture
def make(url: str) -> Iterator[Make]:
    """The service in this process; keyword arguments replace settings."""
    with ExitStack() as stack:

        def made(**values: object) -> TestClient:
            settings = Settings(**{"database_url": url, "session_secret": "s" * 40, **values})  # type: ignore[arg-type]
            return stack.enter_context(TestClient(create(settings), raise_server_exceptions=False))

        yield made


def test_an_item_is_made_read_listed_and_deleted(make: Make) -> None:
    client = make()
    made = client.post("/api/items", json={"text": " Buy milk "})
    assert made.status_code == 201, made.text
    item = made.json()
    assert (item["text"], item["owner"]) == ("Buy milk", "~guest")
    assert made.headers["location"] == f"/api/items/{item['id']}"
    assert client.get(f"/api/items/{item['id']}").json() == item
    assert item in client.get("/api/items").json()
    assert client.delete(f"/api/items/{item['id']}").status_code == 204
    for method in ("GET", "DELETE"):
        assert client.request(method, f"/api/items/{item['id']}").status_code == 404


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x" * 201}, {"text": "a", "colour": "blue"}])
def test_a_wrong_item_is_refused(make: Make, body: dict[str, str]) -> None:
    assert make().post("/api/items", json=body).status_code == 422


def test_the_list_has_as_many_items_as_the_variable_says(make: Make) -> None:
    client = make(item_rows=2)
    made = [client.post("/api/items", json={"text": text}).json() for text in ("a", "b", "c")]
    assert client.get("/api/items").json() == made[:0:-1]


def test_production_asks_for_a_key(make: Make) -> None:
    assert make(environment="prod").get("/api/items").status_code == 401


def test_a_cluster_finds_health_readiness_and_metrics_and_people_the_page(make: Make) -> None:
    client = make()
    client.post("/api/items", json={"text": "counted"})
    for path in ("/health", "/ready", "/"):
        assert client.get(path).status_code == 200, path
    assert "items_made_total" in client.get("/metrics").text


def test_every_operation_has_a_route_at_the_edge() -> None:
    plan = planned(ROOT, "TEMPLATE_name-prod")
    hosts = {host.name: host for host in plan.hosts["us-east-1"]}
    groups = tuple(group for own in hosts["api"].backends.values() for group in own)
    asked = public_paths(ROUTERS)
    assert "/api/items/{item}" in asked
    assert [path for path in asked if not covered(path, groups)] == []


def test_the_migrations_make_the_tables_that_the_code_reads(url: str) -> None:
    def columns(connection: Connection) -> dict[str, set[str]]:
        found = inspect(connection)
        return {name: {column["name"] for column in found.get_columns(name)} for name in metadata.tables}

    async def ask() -> dict[str, set[str]]:
        task = TaskSettings(database_url_direct=url)  # type: ignore[arg-type]
        async with database.engine(task, task.database_url_direct).connect() as connection:
            return await connection.run_sync(columns)

    assert asyncio.run(ask()) == {name: set(table.columns.keys()) for name, table in metadata.tables.items()}
