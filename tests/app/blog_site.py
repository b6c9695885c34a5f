"""The product blog-ai for the tests: a migrated database of its own, the application, and its process of two ports."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import redis
from dashboard_site import create_from
from starlette.testclient import TestClient

from app.blog_ai.application import create
from app.blog_ai.history import HISTORY
from app.blog_ai.settings import BlogSettings
from app.migrate import migrate
from localcloud.servers import free_port

if TYPE_CHECKING:
    from conftest import Fleet, Servers

MakeBlog = Callable[..., TestClient]
TEMPLATE = "blog_template"


@pytest.fixture(scope="session")
def blog_template(servers: Servers) -> str:
    """Name of a migrated database that others are copied from."""
    from conftest import apart

    url = servers.database_url(TEMPLATE)
    apart(create_from(servers, TEMPLATE, "template0"))
    apart(migrate(BlogSettings(database_url=url, database_url_direct=url), history=HISTORY))  # type: ignore[arg-type]
    return TEMPLATE


@pytest.fixture
def blog_url(servers: Servers, blog_template: str) -> str:
    """A migrated database that only this test uses."""
    from conftest import apart

    name = f"b_{uuid4().hex[:16]}"
    apart(create_from(servers, name, blog_template))
    return servers.database_url(name)


@pytest.fixture
def make_blog(servers: Servers, blog_url: str) -> Iterator[MakeBlog]:
    """The product in this process; keyword arguments replace settings. Redis begins empty."""
    redis.Redis.from_url(servers.redis_url).flushall()
    base = {
        "database_url": blog_url,
        "database_url_direct": blog_url,
        "redis_url": servers.redis_url,
        "rate_limit_enabled": False,
        "allow_embedded_writer": True,
    }
    with ExitStack() as stack:

        def make(**values: object) -> TestClient:
            app = create(BlogSettings(**{**base, **values}))  # type: ignore[arg-type]
            client = TestClient(app, client=("203.0.113.9", 5000), raise_server_exceptions=False)
            return stack.enter_context(client)

        yield make


@dataclass(frozen=True)
class Blog:
    """A running container: its parent process, and the addresses of its two ports."""

    process: subprocess.Popen[bytes]
    api: str
    page: str


@dataclass(frozen=True)
class BlogFleet:
    """Containers over the test's own database."""

    fleet: Fleet

    @contextmanager
    def container(self, name: str = "blog-ai", **variables: str) -> Iterator[Blog]:
        """One `serve --role blog-ai` on two free ports until the end of the block."""
        backend, frontend = free_port(), free_port()
        own = {"PORT": str(backend), "BACKEND_PORT": str(backend), "FRONTEND_PORT": str(frontend), **variables}
        with self.fleet.process(name, "serve", "--role", "blog-ai", **own) as (process, api):
            yield Blog(process, api, f"http://127.0.0.1:{frontend}")


@pytest.fixture
def blog_fleet(fleet: Fleet, blog_url: str, empty_redis: None) -> BlogFleet:
    """Containers over the test's own database; nothing runs yet. Redis begins empty."""
    own = {"DATABASE_URL": blog_url, "DATABASE_URL_DIRECT": blog_url, "PRODUCT": "blog-ai"}
    return BlogFleet(type(fleet)({**fleet.environment, **own}, fleet.folder))
