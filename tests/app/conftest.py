"""Real servers for the tests of the service: one Postgres, Redis and moto server a session, each its own process."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import asyncpg
import pytest
import redis
from blog_site import (  # noqa: F401  fixtures
    blog_fleet,
    blog_template,
    blog_url,
    make_blog,
)
from dashboard_site import (  # noqa: F401  fixtures
    dashboard,
    dashboard_fleet,
    dashboard_template,
    dashboard_url,
    make_dashboard,
)
from gateway_site import (  # noqa: F401  fixtures
    gateway_fleet,
    gateway_site,
    gateway_template,
    gateway_url,
    make_gateway,
)
from recipe_site import (  # noqa: F401  fixtures
    film_fleet,
    make_recipes,
    make_worker,
    recipe_fleet,
    recipe_settings,
    recipe_template,
    recipe_url,
    recipes_api,
    standing_site,
    video_bucket,
)
from starlette.testclient import TestClient

from app.api.application import Role, create
from app.migrate import migrate
from app.settings import Settings
from localcloud.pgbouncer import PgBouncerServer, Upstream
from localcloud.postgres import PostgresServer
from localcloud.redis import RedisServer
from localcloud.servers import ServerError, free_port, started
from tests.load.moto import moto

T = TypeVar("T")
USER, PASSWORD, TEMPLATE = "contentgen", "postgres-password", "contentgen_template"


@dataclass(frozen=True)
class Servers:
    """Addresses of the session's servers."""

    postgres: PostgresServer
    redis: RedisServer

    def database_url(self, name: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://{USER}:{PASSWORD}@{self.postgres.host}:{self.postgres.port}/{name}?sslmode=disable"

    @property
    def redis_url(self) -> str:
        """Redis' first database."""
        return f"redis://{self.redis.host}:{self.redis.port}/0"


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that the servers' unprivileged user can enter."""
    path = Path(tempfile.mkdtemp(prefix="contentgen-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def apart(work: Coroutine[None, None, T]) -> T:
    """Run to the end in a thread of its own: the browser's client keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def postgres_in(folder: Path, name: str) -> PostgresServer:
    """A small server that outlives every process of a test, so it need not wait for the disk; faults have their own."""
    parameters = {"shared_buffers": "64MB", "max_connections": "100", "fsync": "off"}
    server = PostgresServer(folder / name, "127.0.0.1", free_port(), parameters)
    server.initialise(USER, PASSWORD, TEMPLATE)
    return server


def redis_in(folder: Path, name: str) -> RedisServer:
    """A server for tests without persistence."""
    server = RedisServer(folder / name, "127.0.0.1", free_port(), {"maxmemory": "64mb"})
    server.initialise()
    return server


@pytest.fixture(scope="session")
def servers(folder: Path) -> Iterator[Servers]:
    """Postgres with a migrated template database, and Redis."""
    postgres, redis = postgres_in(folder, "postgres"), redis_in(folder, "redis")
    with postgres.running(), redis.running():
        found = Servers(postgres, redis)
        url = found.database_url(TEMPLATE)
        apart(migrate(Settings(database_url=url, database_url_direct=url)))  # type: ignore[arg-type]
        yield found


async def create_database(servers: Servers, name: str) -> None:
    """A migrated database of the session's server."""
    connection = await asyncpg.connect(servers.database_url("postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    finally:
        await connection.close()


@pytest.fixture
def empty_redis(servers: Servers) -> None:
    """Nothing in Redis that a test before put there."""
    redis.Redis.from_url(servers.redis_url).flushall()


@pytest.fixture
def database_url(servers: Servers) -> str:
    """A migrated database that only this test uses."""
    name = f"t_{uuid4().hex[:16]}"
    apart(create_database(servers, name))
    return servers.database_url(name)


@pytest.fixture(scope="session")
def pooler(servers: Servers, folder: Path) -> Iterator[int]:
    """A real PgBouncer in transaction mode before the session's Postgres; gives its port."""
    upstream = Upstream(servers.postgres.host, servers.postgres.port, USER, PASSWORD)
    # Each test has a database of its own, and so a pool: the connections of the last ones must not add up.
    parameters = {"default_pool_size": "10", "server_idle_timeout": "2"}
    server = PgBouncerServer(folder / "pgbouncer", "127.0.0.1", free_port(), upstream, parameters)
    server.initialise()
    with server.running():
        yield server.port


@pytest.fixture
def way() -> str:
    """Route of the service to its database, `direct` or by the `pooler`; modules that try both replace this fixture."""
    return "direct"


@pytest.fixture
def service_url(way: str, servers: Servers, database_url: str, request: pytest.FixtureRequest) -> str:
    """DATABASE_URL; DATABASE_URL_DIRECT always is `database_url`."""
    if way == "direct":
        return database_url
    return database_url.replace(f":{servers.postgres.port}/", f":{request.getfixturevalue('pooler')}/")


@pytest.fixture
def make_settings(servers: Servers, database_url: str, service_url: str) -> Callable[..., Settings]:
    """Settings for the test's own database; keyword arguments replace values."""

    def make(**values: object) -> Settings:
        base: dict[str, object] = {
            "database_url": service_url,
            "database_url_direct": database_url,
            "redis_url": servers.redis_url,
            "database_pool_size": 3,
            "database_max_overflow": 3,
            "instance_id": f"test-{uuid4().hex[:8]}",
        }
        return Settings(**{**base, **values})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_client(servers: Servers, make_settings: Callable[..., Settings]) -> Iterator[Callable[..., TestClient]]:
    """The cpm application in this process; keyword arguments replace settings. Redis begins empty."""
    redis.Redis.from_url(servers.redis_url).flushall()
    with ExitStack() as stack:

        def make(**values: object) -> TestClient:
            app = create(make_settings(**values), Role.CPM)
            client = TestClient(app, client=("203.0.113.9", 5000), raise_server_exceptions=False)
            return stack.enter_context(client)

        yield make


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    """The cpm application with default settings."""
    return make_client()


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    """The defaults on the test's own database."""
    return make_settings()


@pytest.fixture(scope="session")
def aws(folder: Path) -> Iterator[str]:
    """A moto server in its own process; gives its address."""
    with moto(folder) as url:
        yield url


@dataclass
class Ready:
    """A process's answer to /ready; the last one is kept for who waits in vain."""

    url: str
    answer: str = "never asked"

    def __call__(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ready", timeout=1):
                return True
        except urllib.error.HTTPError as error:
            self.answer = f"{error.code} {error.read(200).decode()}"
        except OSError as error:
            self.answer = f"{type(error).__name__}: {error}"
        return False


@dataclass
class Fleet:
    """The three roles as real processes, as the pods run them."""

    environment: dict[str, str]
    folder: Path
    api: str = ""
    im: str = ""
    worker: str = ""

    @contextmanager
    def process(self, name: str, *command: str, **variables: str) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
        """One `python -m app ...` on a free port, until the end of the block; gives the process and its address."""
        port = int(variables.get("PORT") or free_port())
        url = f"http://127.0.0.1:{port}"
        ready = Ready(url)
        server = started(
            [sys.executable, "-m", "app", *command],
            environment={**self.environment, "PORT": str(port), **variables},
            identity=None,
            log=self.log(name),
            ready=ready,
            stop_signal=signal.SIGTERM,
        )
        with ExitStack() as stack:
            try:
                process = stack.enter_context(server)
            except ServerError as error:
                error.add_note(f"{name}'s last answer to /ready: {ready.answer}")
                raise
            yield process, url

    def log(self, name: str) -> Path:
        """File of a process's output."""
        return self.folder / f"{name}.log"


@pytest.fixture
def fleet(servers: Servers, database_url: str, service_url: str, tmp_path: Path) -> Fleet:
    """A fleet over the test's own database; nothing runs yet."""
    return fleet_over(service_url, database_url, servers.redis_url, tmp_path)


def fleet_over(database_url: str, direct_url: str, redis_url: str, folder: Path) -> Fleet:
    """A fleet over given servers, with short times so that what is lost comes back within a test."""
    variables = {
        "DATABASE_URL": database_url,
        "DATABASE_URL_DIRECT": direct_url,
        "REDIS_URL": redis_url,
        "HOST": "127.0.0.1",
        "DATABASE_POOL_SIZE": "3",
        "JOB_LEASE_SECONDS": "2",
        "JOB_SWEEP_SECONDS": "1",
        "JOB_RETRY_BASE_SECONDS": "0.1",
        "GRACE_SECONDS": "10",
        "RATE_LIMIT_ENABLED": "false",
    }
    return Fleet({"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]), **variables}, folder)


def run_app(fleet: Fleet, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """One command of the image, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app", *command],
        env={**fleet.environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def eventually(question: Callable[[], T | None], seconds: float = 30.0) -> T:
    """Ask until the answer is true; the last answer is in the message when it never is."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.05)
