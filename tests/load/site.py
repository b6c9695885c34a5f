"""Servers and processes of a load test: Postgres, Redis and the service's roles, all of its own.

Every feature is on: limits (set high, so that they count and never refuse), cache, logs, figures, headers, queue.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import asyncpg
import psutil

from app.migrate import migrate
from app.settings import Settings
from localcloud.postgres import PostgresServer
from localcloud.redis import RedisServer
from localcloud.servers import free_port, started

ROOT = Path(__file__).parents[2]
NEVER_REFUSED = "10000000"


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
    """A migrated database, a Redis, and what a process must know of them."""

    folder: Path
    postgres: "Restartable"
    database: str
    environment: dict[str, str]

    @contextmanager
    def process(self, name: str, *command: str, path: str = "/ready", **variables: str) -> Iterator[Running]:
        """`python <command>`, where {port} stands for its port, until the end of the block."""
        port = free_port()
        with started(
            [sys.executable, *(part.format(port=port) for part in command)],
            environment={**self.environment, "PORT": str(port), **variables},
            identity=None,
            log=self.folder / f"{name}.log",
            ready=lambda: _answers(f"http://127.0.0.1:{port}{path}"),
            stop_signal=signal.SIGTERM,
        ) as process:
            yield Running(port, process.pid)

    @contextmanager
    def cpm(self) -> Iterator[Running]:
        """One process of the API."""
        with self.process("cpm", "-m", "app", "serve", "--role", "cpm") as running:
            yield running

    @contextmanager
    def workers(self, im: str | None = None, **variables: str) -> Iterator[Running]:
        """A worker, and an im for it unless one is named."""
        with ExitStack() as stack:
            if im is None:
                im = stack.enter_context(self.process("im", "-m", "app", "serve", "--role", "im")).url
            yield stack.enter_context(self.process("worker", "-m", "app", "worker", IM_URL=im, **variables))

    def query(self, statement: str) -> list[asyncpg.Record]:
        """Rows of the database."""
        return asyncio.run(_fetch(self.database, statement))

    def empty(self) -> None:
        """Forget all jobs."""
        self.query("TRUNCATE jobs, pgqueuer, pgqueuer_log, idempotency_keys")


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
def site() -> Iterator[Site]:
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
            "DATABASE_URL": database,
            "DATABASE_URL_DIRECT": database,
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            "HOST": "127.0.0.1",
            "RATE_LIMIT_PER_MINUTE": NEVER_REFUSED,
            "RATE_LIMIT_PER_HOUR": NEVER_REFUSED,
            "RATE_LIMIT_GENERATE_PER_MINUTE": NEVER_REFUSED,
        }
        with redis.running(), closing(Restartable(postgres)) as restartable:
            asyncio.run(migrate(Settings(database_url=database, database_url_direct=database)))  # type: ignore[arg-type]
            yield Site(folder, restartable, database, environment)
    finally:
        shutil.rmtree(folder)


async def _fetch(database: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except (URLError, OSError):
        return False
