"""`python tests/load/bench.py`: the figures of docs/benchmarks.md, on servers of its own, as JSON and as a table.

Every feature is on: limits (set high, so that they count and never refuse), cache, logs, figures, headers, queue.
"""

import asyncio
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError

import asyncpg
from client import Result, load, post

from localcloud.postgres import PostgresServer
from localcloud.redis import RedisServer
from localcloud.servers import free_port, started

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
BODY = {
    "topic": "How to brew better coffee at home",
    "content_type": "blog",
    "client_id": "bench",
    "keywords": ["water"],
}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except (URLError, OSError):
        return False


class Bench:
    """Servers and processes of one run."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        postgres = PostgresServer(folder / "postgres", "127.0.0.1", free_port(), {"shared_buffers": "256MB"})
        postgres.initialise("bench", "bench-password", "bench")
        redis = RedisServer(folder / "redis", "127.0.0.1", free_port(), {"maxmemory": "256mb"})
        redis.initialise()
        stack.enter_context(postgres.running())
        stack.enter_context(redis.running())
        self.database = f"postgresql://bench:bench-password@127.0.0.1:{postgres.port}/bench"
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests/load'}",
            "DATABASE_URL": self.database,
            "DATABASE_URL_DIRECT": self.database,
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            "HOST": "127.0.0.1",
            "RATE_LIMIT_PER_MINUTE": "10000000",
            "RATE_LIMIT_PER_HOUR": "10000000",
            "RATE_LIMIT_GENERATE_PER_MINUTE": "10000000",
        }

    @contextmanager
    def process(self, name: str, *command: str, path: str = "/ready", **variables: str) -> Iterator[tuple[int, int]]:
        """A server process; gives its port and pid."""
        port = free_port()
        with started(
            [sys.executable, *[part.format(port=port) for part in command]],
            environment={**self.environment, "PORT": str(port), **variables},
            identity=None,
            log=self.folder / f"{name}.log",
            ready=lambda: _answers(f"http://127.0.0.1:{port}{path}"),
            stop_signal=signal.SIGTERM,
        ) as running:
            yield port, running.pid


def request(number: int) -> bytes:
    """A generation of its own."""
    return post("/generate", json.dumps({**BODY, "topic": f"Coffee number {number}"}).encode())


def figures(result: Result) -> dict[str, float]:
    """What is reported of a run."""
    names = {"p50_ms": 50, "p95_ms": 95, "p99_ms": 99}
    latencies = {name: round(result.percentile(share), 1) for name, share in names.items()}
    return {"per_second": round(result.per_second), **latencies, "failed": result.failed, "sent": len(result.latencies)}


def resident_megabytes(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


async def jobs_by_status(database: str) -> dict[str, int]:
    """How many jobs are in which state."""
    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch("SELECT status, count(*) AS jobs FROM jobs GROUP BY status")
        return {row["status"]: row["jobs"] for row in rows}
    finally:
        await connection.close()


def processor_seconds(pid: int) -> float:
    """Processor time a process has used; unlike throughput it is the same on a busy machine."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def throughput(bench: Bench) -> dict[str, object]:
    """The service against the floor, in turns, in the same run."""
    rates: dict[str, list[dict[str, float]]] = {"service": [], "bare": []}
    bare = ("-m", "uvicorn", "bare:app", "--port", "{port}", "--log-level", "error", "--no-access-log")
    with (
        bench.process("cpm", "-m", "app", "serve", "--role", "cpm") as (service_port, service_pid),
        bench.process("bare", *bare, path="/openapi.json") as (bare_port, bare_pid),
    ):
        before = resident_megabytes(service_pid)
        for _ in range(3):
            for name, port, pid in (("service", service_port, service_pid), ("bare", bare_port, bare_pid)):
                used = processor_seconds(pid)
                run = asyncio.run(load("127.0.0.1", port, request, connections=32, seconds=SECONDS / 2))
                spent = 1e6 * (processor_seconds(pid) - used) / max(1, len(run.latencies))
                rates[name].append({**figures(run), "processor_us": round(spent)})
        after = resident_megabytes(service_pid)
    median = {name: statistics.median(run["per_second"] for run in runs) for name, runs in rates.items()}
    memory = {"before_mb": before, "after_mb": after}
    return {
        "service": rates["service"],
        "bare": rates["bare"],
        "ratio": round(median["service"] / median["bare"], 2),
        **memory,
    }


def sustained(bench: Bench) -> dict[str, object]:
    """T03: 500 requests a second; afterwards every accepted job is there exactly once."""
    asyncio.run(_empty(bench.database))
    with bench.process("cpm", "-m", "app", "serve", "--role", "cpm") as (port, _):
        run = asyncio.run(load("127.0.0.1", port, request, connections=200, seconds=SECONDS * 6, rate=500))
    accepted = {json.loads(body)["job_id"] for body in run.bodies}
    stored = asyncio.run(jobs_by_status(bench.database))
    return {**figures(run), "accepted": len(accepted), "stored": sum(stored.values())}


async def _empty(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("TRUNCATE jobs, pgqueuer, pgqueuer_log, idempotency_keys")
    finally:
        await connection.close()


def main() -> None:
    """Run everything and print it."""
    folder = Path(tempfile.mkdtemp(prefix="contentgen-bench-"))
    folder.chmod(0o755)
    try:
        with ExitStack() as stack:
            bench = Bench(folder, stack)
            from app.migrate import migrate
            from app.settings import Settings

            asyncio.run(migrate(Settings(database_url=bench.database, database_url_direct=bench.database)))  # type: ignore[arg-type]
            report = {"throughput": throughput(bench), "sustained": sustained(bench)}
        print(json.dumps(report, indent=1))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
