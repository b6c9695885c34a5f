"""Servers and processes of a load test: Postgres, Redis and a product's roles, all of its own.

Every feature is on: limits (set high, so that they count and never refuse), cache, logs, figures, headers, queue.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import asyncpg
import boto3
import psutil

from app.migrate import migrate
from app.products import history_of, settings_of
from localcloud.postgres import PostgresServer
from localcloud.redis import RedisServer
from localcloud.servers import free_port, started
from tests.load.moto import answers, moto
from tests.load.product import Product, Role
from tests.load.products.content_generation import CONTENT_GENERATION

ROOT = Path(__file__).parents[2]
NEVER_REFUSED = "10000000"
LONGEST_QUEUE = "100000"
NOWHERE: Mapping[str, str] = MappingProxyType({})
BUCKET = "videos"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@dataclass(frozen=True)
class Running:
    """A server process."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Address that it answers at."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def megabytes(self) -> float:
        """Its resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def processor_seconds(self) -> float:
        """Processor time it has used; unlike throughput it is nearly the same on a busy machine."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Site:
    """A product's migrated database, a Redis, and what a process must know of them.

    product: what runs.
    folder: place of the logs.
    database: address of the database.
    environment: variables of every process.
    postgres: the server, where it is this site's own.
    """

    product: Product
    folder: Path
    database: str
    environment: dict[str, str]
    postgres: "Restartable | None" = None

    @contextmanager
    def process(self, name: str, *command: str, path: str = "/ready", **variables: str) -> Iterator[Running]:
        """`python <command>`, where {port} stands for its port, until the end of the block."""
        port = int(variables.get("PORT") or free_port())
        with started(
            [sys.executable, *(part.format(port=port) for part in command)],
            environment={**self.environment, "PORT": str(port), **variables},
            identity=None,
            log=self.log(name),
            ready=lambda: answers(f"http://127.0.0.1:{port}{path}"),
            stop_signal=signal.SIGTERM,
        ) as process:
            yield Running(port, process.pid)

    def log(self, name: str) -> Path:
        """File of a process's output."""
        return self.folder / f"{name}.log"

    @contextmanager
    def role(self, role: Role, addresses: Mapping[str, str] = NOWHERE, **variables: str) -> Iterator[Running]:
        """A process of the product; its own variables may name the `addresses` of others."""
        port = str(free_port())
        known = {**addresses, "port": port, "other": str(free_port())}
        own = {name: value.format(**known) for name, value in role.variables.items()}
        with self.process(role.name, "-m", "app", *role.command, **{"PORT": port, **own, **variables}) as running:
            yield running

    @contextmanager
    def api(self, **variables: str) -> Iterator[Running]:
        """One process of the API."""
        with self.role(self.product.api, **variables) as running:
            yield running

    @contextmanager
    def workers(self, addresses: Mapping[str, str] = NOWHERE, **variables: str) -> Iterator[dict[str, Running]]:
        """The workers, by name, and those that they need unless their `addresses` are given."""
        found: dict[str, Running] = {}
        with ExitStack() as stack:
            for role in self.product.workers:
                if role.name not in addresses:
                    known = {**{name: running.url for name, running in found.items()}, **addresses}
                    found[role.name] = stack.enter_context(self.role(role, known, **variables))
            yield found

    def query(self, statement: str) -> list[asyncpg.Record]:
        """Rows of the database."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, _fetch(self.database, statement)).result()

    def empty(self) -> None:
        """Forget everything that was made."""
        self.query(f"TRUNCATE {', '.join(self.product.tables)}")


class Restartable:
    """A Postgres that may be killed and started again."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._running = ExitStack()
        self._process = self._running.enter_context(server.running())

    def restart(self) -> None:
        """As after a power failure: nothing is written any more, and the next start recovers from the log."""
        for process in (*psutil.Process(self._process.pid).children(recursive=True), self._process):
            # Some of a server's own workers live for a moment only.
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.close()
        self._process = self._running.enter_context(self.server.running())

    def close(self) -> None:
        """Stop it."""
        self._running.close()


@contextmanager
def site(product: Product = CONTENT_GENERATION) -> Iterator[Site]:
    """Start the servers, migrate, and take everything down at the end."""
    folder = Path(tempfile.mkdtemp(prefix="contentgen-load-"))
    folder.chmod(0o755)
    try:
        postgres = PostgresServer(folder / "postgres", "127.0.0.1", free_port(), {"shared_buffers": "256MB"})
        postgres.initialise("bench", "bench-password", "bench")
        redis = RedisServer(folder / "redis", "127.0.0.1", free_port(), {"maxmemory": "256mb"})
        redis.initialise()
        database = f"postgresql://bench:bench-password@127.0.0.1:{postgres.port}/bench"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PRODUCT": product.name,
            "DATABASE_URL": database,
            "DATABASE_URL_DIRECT": database,
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            "HOST": "127.0.0.1",
            "RATE_LIMIT_PER_MINUTE": NEVER_REFUSED,
            "RATE_LIMIT_PER_HOUR": NEVER_REFUSED,
            "RATE_LIMIT_GENERATE_PER_MINUTE": NEVER_REFUSED,
            "QUEUE_LIMIT": LONGEST_QUEUE,
        }
        settings = settings_of(product.name, task=True)(database_url=database, database_url_direct=database)  # type: ignore[arg-type]
        with ExitStack() as stack:
            stack.enter_context(redis.running())
            restartable = stack.enter_context(closing(Restartable(postgres)))
            asyncio.run(migrate(settings, history=history_of(product.name)))
            if product.bucket:
                environment |= bucket_variables(stack.enter_context(moto(folder)))
            yield Site(product, folder, database, environment, restartable)
    finally:
        shutil.rmtree(folder)


def bucket_variables(aws: str) -> dict[str, str]:
    """Variables of a process that stores videos in a new bucket of a moto server."""
    store = boto3.client("s3", endpoint_url=aws, region_name="us-east-1", **KEYS)
    store.create_bucket(Bucket=BUCKET)
    keys = {name.upper(): value for name, value in KEYS.items()}
    return {**keys, "AWS_ENDPOINT_URL": aws, "VIDEO_BUCKET": BUCKET, "SESSION_SECRET": "s" * 40}


async def _fetch(database: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()
