"""A large database through everything that is done to it: maintenance, a migration with new indexes, a backup, its
check, and the erasure of a client. ``BENCH_ROWS`` says how many jobs; each step is the image's own command.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import boto3

from app.migrate import migrate
from app.partitions import Month
from app.settings import Settings
from localcloud.postgres import PostgresServer, home
from localcloud.servers import free_port
from ops.checkout import CHECKOUT
from tests.bench import document
from tests.bench.document import Section
from tests.load.moto import moto

ROWS = 20_000_000
MONTHS = 12
ERASED = "client-7"
"""One of a hundred clients with equally many jobs."""
USER, PASSWORD, DATABASE, BUCKET = "contentgen", "bench", "contentgen", "bench"
PARAMETERS = {
    "shared_buffers": "1GB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "8GB",
    "shared_preload_libraries": "pg_stat_statements",
}
FILL = """
INSERT INTO {table} (id, created_at, client_id, owner, topic, content_type, priority, status, attempt, progress,
    expires_at, content)
SELECT 'use1-' || gen_random_uuid(), at, client, client, 'Topic ' || i, 'blog', 'balanced',
    CASE WHEN i % 50 = 0 THEN 'failed' ELSE 'completed' END, 1, 100, at + interval '1 day',
    jsonb_build_object('title', 'Topic ' || i, 'introduction', sha512(i::text::bytea)::text || md5(i::text))
FROM (SELECT i, timestamptz '{first}' + i * (timestamptz '{after}' - timestamptz '{first}') / ({rows} + 1) AS at,
             'client-' || i % 100 AS client FROM generate_series(1, {rows}) i) AS made
"""
ERASE = (
    "import asyncio\n"
    "from app.database import Database\n"
    "from app.privacy import erase\n"
    "from app.settings import load_settings\n"
    f"print(asyncio.run(erase(Database(load_settings()), {ERASED!r})))"
)


@dataclass(frozen=True)
class Step:
    """Step of a run, its duration, and the most memory that our own process had (not Postgres' programs)."""

    what: str
    seconds: float
    peak_mb: float | None = None
    detail: str = ""

    def row(self) -> tuple[str, ...]:
        peak = "-" if self.peak_mb is None else f"{self.peak_mb:.0f} MB"
        return self.what, f"{self.seconds:.1f} s", peak, self.detail


def section(root: Path) -> Section:
    """Everything, from an empty server."""
    rows = int(os.environ.get("BENCH_ROWS", ROWS))
    server = PostgresServer(root / "rehearsal", "127.0.0.1", free_port(), PARAMETERS)
    server.initialise(USER, PASSWORD, DATABASE)
    url = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{server.port}/{DATABASE}?sslmode=disable"
    with server.running(), moto(root) as store:
        asyncio.run(migrate(Settings(database_url=url, database_url_direct=url)))  # type: ignore[arg-type]
        variables = {**_variables(url), "AWS_ENDPOINT_URL": store}
        boto3.client("s3", endpoint_url=store, **_keys()).create_bucket(Bucket=BUCKET)
        steps = [_filled(url, rows), *_steps(url, variables)]
    text = (
        f"{rows:,} jobs of 100 clients over {MONTHS} months, some 400 bytes each, on a Postgres with 1 GB of shared"
        f" buffers and a moto server as S3, both on the same {document.machine()}, which was busy besides. Memory is"
        f" the most that our own process had. Command: `BENCH_ROWS={rows} make bench ONLY=data`."
    )
    return Section("A large database", text, ("step", "time", "memory", "result"), tuple(step.row() for step in steps))


def _steps(url: str, variables: Mapping[str, str]) -> list[Step]:
    steps = [_command(variables, "maintenance", schedule) for schedule in ("daily", "weekly", "monthly")]
    asyncio.run(_ask(url, "DROP INDEX jobs_owner", "DROP INDEX jobs_failed"))
    asyncio.run(_ask(url, "UPDATE alembic_version SET version_num = '0003'"))
    steps.append(_command(variables, "migrate", what="migration with two new indexes"))
    steps.append(_command(variables, "backup"))
    steps.append(_command(variables, "restore-check"))
    done = _run([sys.executable, "-c", ERASE], variables)
    steps.append(Step("erasure of a client with 1 % of the jobs", done.seconds, done.peak_mb, done.output[-1]))
    for step in steps:
        print("  ", *step.row(), flush=True)
    return steps


def _filled(url: str, rows: int) -> Step:
    """Month by month into tables that become partitions afterwards, so that indexes are built once."""
    now, start = Month.of(datetime.now(UTC)), time.monotonic()
    for month in (now.plus(-offset) for offset in range(MONTHS)):
        statement = FILL.format(
            table=month.table, first=month.first_day, after=month.plus(1).first_day, rows=rows // MONTHS
        )
        bounds = f"FROM ('{month.first_day} 00:00+00') TO ('{month.plus(1).first_day} 00:00+00')"
        detach = (f"ALTER TABLE jobs DETACH PARTITION {month.table}", f"DROP TABLE {month.table}")
        asyncio.run(
            _ask(
                url,
                *(detach if month == now else ()),
                f"CREATE TABLE {month.table} (LIKE jobs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
                statement,
                f"ALTER TABLE jobs ATTACH PARTITION {month.table} FOR VALUES {bounds}",
            )
        )
    size = asyncio.run(_ask(url, "SELECT pg_size_pretty(pg_database_size(current_database()))"))
    return Step("generation", time.monotonic() - start, detail=f"{rows // MONTHS * MONTHS:,} rows, {size}")


async def _ask(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


@dataclass(frozen=True)
class _Done:
    seconds: float
    peak_mb: float
    output: list[str]


def _command(variables: Mapping[str, str], *arguments: str, what: str = "") -> Step:
    done = _run([sys.executable, "-m", "app", *arguments], variables)
    last = json.loads(done.output[-1]) if done.output else {}
    dump = f"a dump of {last['bytes'] / 1e6:,.0f} MB" if "bytes" in last else ""
    return Step(what or " ".join(arguments), done.seconds, done.peak_mb, dump)


def _run(command: list[str], variables: Mapping[str, str]) -> _Done:
    """To its end; its memory as the kernel kept the most of it, asked again and again while it is there."""
    start, peak = time.monotonic(), 0.0
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, env=variables, stdout=output, text=True, cwd=CHECKOUT)
        while process.poll() is None:
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
            peak = max(peak, int(found[1]) / 1024) if found else peak
            time.sleep(0.05)
        seconds = time.monotonic() - start
        output.seek(0)
        lines = output.read().splitlines()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)[:80]} ended with {process.returncode}: {lines[-3:]}")
    return _Done(seconds, peak, lines)


def _keys() -> dict[str, str]:
    return {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


def _variables(url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": url,
        "DATABASE_URL_DIRECT": url,
        "BACKUP_BUCKET": BUCKET,
        "PG_BIN": str(home() / "bin"),
        **{name.upper().replace("REGION_NAME", "AWS_DEFAULT_REGION"): value for name, value in _keys().items()},
    }
