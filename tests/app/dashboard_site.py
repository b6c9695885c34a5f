"""The product workflow-dashboard for the tests: a migrated database of its own, the application, and its processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
import redis
from starlette.testclient import TestClient

from app.migrate import migrate
from app.workflow_dashboard.application import create
from app.workflow_dashboard.history import HISTORY
from app.workflow_dashboard.settings import DashboardSettings

if TYPE_CHECKING:
    from conftest import Fleet, Servers

MakeDashboard = Callable[..., TestClient]
TEMPLATE = "dashboard_template"


async def create_from(servers: Servers, name: str, template: str) -> None:
    """A database of the session's server, copied from another one."""
    connection = await asyncpg.connect(servers.database_url("postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def dashboard_template(servers: Servers) -> str:
    """Name of a migrated database that others are copied from."""
    from conftest import apart

    url = servers.database_url(TEMPLATE)
    apart(create_from(servers, TEMPLATE, "template0"))
    settings = DashboardSettings(database_url=url, database_url_direct=url)  # type: ignore[arg-type]
    apart(migrate(settings, history=HISTORY))
    return TEMPLATE


@pytest.fixture
def dashboard_url(servers: Servers, dashboard_template: str) -> str:
    """A migrated database that only this test uses."""
    from conftest import apart

    name = f"d_{uuid4().hex[:16]}"
    apart(create_from(servers, name, dashboard_template))
    return servers.database_url(name)


@pytest.fixture
def make_dashboard(servers: Servers, dashboard_url: str) -> Iterator[MakeDashboard]:
    """The back end in this process; keyword arguments replace settings. Redis begins empty."""
    redis.Redis.from_url(servers.redis_url).flushall()
    base = {"database_url": dashboard_url, "redis_url": servers.redis_url, "rate_limit_enabled": False}
    with ExitStack() as stack:

        def make(**values: object) -> TestClient:
            app = create(DashboardSettings(**{**base, **values}))  # type: ignore[arg-type]
            client = TestClient(app, client=("203.0.113.9", 5000), raise_server_exceptions=False)
            return stack.enter_context(client)

        yield make


@pytest.fixture
def dashboard(make_dashboard: MakeDashboard) -> TestClient:
    """The back end with default settings."""
    return make_dashboard()


@pytest.fixture
def dashboard_fleet(fleet: Fleet, dashboard_url: str, empty_redis: None) -> Fleet:
    """Processes over the test's own database, without a way past the pooler; nothing runs yet. Redis begins empty."""
    variables = {**fleet.environment, "DATABASE_URL": dashboard_url, "PRODUCT": "workflow-dashboard"}
    del variables["DATABASE_URL_DIRECT"]
    return type(fleet)(variables, fleet.folder)
