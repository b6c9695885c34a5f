"""`python -m tests.load.bench [--json]`: what the service takes, on servers of its own, beside what was promised.

Nothing here passes or fails; docs/benchmarks.md shows the rows. BENCH_SECONDS shortens the timed runs (default 60).
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

import httpx

from tests.load.client import Result, load, post
from tests.load.compare import SLOW, compare
from tests.load.count import until
from tests.load.site import Running, Site, site

COMMAND = "python -m tests.load.bench"
SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
MANY_REQUESTS, MANY_JOBS = 100_000, 10_000
USERS = 1000
BODY = {
    "topic": "How to brew better coffee at home",
    "content_type": "blog",
    "client_id": "bench",
    "keywords": ["water"],
}


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, what came out, what was promised ("" where nothing was), and how to repeat it."""

    what: str
    figure: str
    goal: str
    command: str = COMMAND


def request(number: int) -> bytes:
    """A generation of its own."""
    return post("/generate", json.dumps({**BODY, "topic": f"Coffee number {number}"}).encode())


def throughput(here: Site) -> list[Row]:
    """The service against the floor."""
    compared = compare(here, SECONDS)
    what = "POST /generate, every feature on, against a bare FastAPI endpoint with the same INSERT"
    return [Row(what, compared.figure, ">= 0.60")]


def sustained(here: Site) -> list[Row]:
    """T03: so many requests at fixed times, whatever the answers take; then every accepted job is done, once."""
    here.empty()
    with here.api() as service:
        run = _load(service, seconds=SECONDS, connections=USERS, rate=500)
        accepted = [json.loads(body)["job_id"] for body in run.bodies]
    seconds = _drain(here)
    done = Counter(row["id"] for row in here.query("SELECT id FROM jobs WHERE status = 'completed' AND attempt = 1"))
    missing = [job for job in accepted if done[job] != 1]
    what = f"{USERS} users, 500 requests a second for {SECONDS:.0f} s"
    return [
        Row(what, f"P95 {run.percentile(95):.0f} ms, P99 {run.percentile(99):.0f} ms", "P99 < 50 ms"),
        Row(f"{what}: errors", f"{run.failed} of {len(run.latencies)}", "< 0.1 %"),
        Row(f"{what}: accepted jobs lost or done twice", f"{len(missing)} of {len(accepted)}", "0"),
        Row("jobs done by one worker", f"{len(accepted) / seconds:.0f} a second", ""),
    ]


def memory(here: Site) -> list[Row]:
    """One process over many requests: how much, and whether it grows."""
    here.empty()
    sizes: dict[int, float] = {}
    with here.api() as service:
        for share in (2, 1):
            run = _load(service, requests=MANY_REQUESTS // 2, connections=32)
            sizes[MANY_REQUESTS // share] = service.megabytes
    half, whole = sizes.values()
    figure = f"{whole:.0f} MB ({half:.0f} MB after half of them), {run.failed} errors"
    return [Row(f"memory of one API process after {MANY_REQUESTS} requests", figure, "<= 160 MB, flat")]


def middleware(here: Site) -> list[Row]:
    """Processor time of our layers around an application that does nothing."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.load.layers"]
    done = subprocess.run(
        command, env=here.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True
    )
    return [Row("processor time of our middleware a request", f"{float(done.stderr):.0f} us", "<= 150 us")]


def start_of_a_job(here: Site) -> list[Row]:
    """From acceptance to the first attempt when nothing else waits."""
    here.empty()
    with here.api() as service, here.workers():
        for _ in range(100):
            _load(service, requests=1, connections=1)
            until(lambda: here.query("SELECT count(*) FROM jobs WHERE status != 'completed'")[0][0] == 0)
    waits = "SELECT extract(epoch FROM started_at - created_at) * 1000 AS wait FROM jobs ORDER BY 1"
    ordered = [float(row["wait"]) for row in here.query(waits)]
    figure = f"P50 {ordered[49]:.0f} ms, P95 {ordered[94]:.0f} ms"
    return [Row("from acceptance to the start of a job, idle", figure, "P95 < 50 ms")]


def overhead(here: Site) -> list[Row]:
    """Jobs of exactly one second: what queue and worker add when more wait than fit, beyond the same calls without."""
    return [_overhead(here, jobs=20, at_once=2), _overhead(here, jobs=100, at_once=10)]


def _overhead(here: Site, jobs: int, at_once: int) -> Row:
    here.empty()
    with here.api() as service:
        _load(service, requests=jobs, connections=10)
    with here.process("slow", *SLOW, path="/health") as slow:
        call, calls = asyncio.run(_directly(f"{slow.url}/v1/write", jobs // at_once, at_once))
        with here.workers({"im": slow.url}, WORKER_CONCURRENCY=str(at_once)):
            until(lambda: here.query("SELECT count(*) FROM jobs WHERE status != 'completed'")[0][0] == 0)
    row = here.query(
        "SELECT avg(extract(epoch FROM finished_at - started_at)) AS job,"
        " extract(epoch FROM max(finished_at) - min(started_at)) AS run FROM jobs"
    )[0]
    within = 1000 * (float(row["job"]) - call)
    whole = 1000 * (float(row["run"]) - calls) * at_once / jobs
    figure = f"{within:.1f} ms from start to end, {whole:.1f} ms with the change to the next"
    what = f"what queue and worker add to a job of 1 s, {at_once} at once, always full, beyond the calls of im alone"
    return Row(f"{what} ({1000 * call:.0f} ms each)", figure, "< 10 ms")


async def _directly(url: str, rounds: int, at_once: int) -> tuple[float, float]:
    """The same texts by the same client without a queue: the mean of a call, and all of them; seconds."""
    calls: list[float] = []
    async with httpx.AsyncClient() as client:

        async def lane() -> None:
            for _ in range(rounds):
                began = time.perf_counter()
                (await client.post(url, json=BODY)).raise_for_status().json()
                calls.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(lane() for _ in range(at_once)))
        return statistics.mean(calls), time.perf_counter() - began


def restart(here: Site) -> list[Row]:
    """Many queued jobs, the database killed and started again: all of them are done, once."""
    here.empty()
    with here.api() as service:
        _load(service, requests=MANY_JOBS, connections=32)
    assert here.postgres is not None
    here.postgres.restart()
    seconds = _drain(here)
    done = here.query("SELECT count(*) AS jobs, count(DISTINCT id) AS ids FROM jobs WHERE status = 'completed'")[0]
    figure = f"{done['jobs']} done, {done['ids']} different, in {seconds:.0f} s"
    return [Row(f"{MANY_JOBS} queued jobs and a killed database", figure, f"{MANY_JOBS} done once")]


FIGURES: tuple[Callable[[Site], list[Row]], ...] = (
    throughput,
    sustained,
    memory,
    middleware,
    start_of_a_job,
    overhead,
    restart,
)


def rows(*names: str) -> list[Row]:
    """All figures, or those of the named functions."""
    found: list[Row] = []
    with site() as here:
        for figure in FIGURES:
            if not names or figure.__name__ in names:
                print(f"measuring: {figure.__name__}", file=sys.stderr, flush=True)
                for row in figure(here):
                    print(f"  {row.what}: {row.figure}", file=sys.stderr, flush=True)
                    found.append(row)
    return found


def _load(
    running: Running,
    *,
    connections: int,
    seconds: float | None = None,
    requests: int | None = None,
    rate: float | None = None,
) -> Result:
    limits = {"seconds": seconds, "requests": requests, "rate": rate}
    return asyncio.run(load("127.0.0.1", running.port, request, connections=connections, **limits))


def _drain(here: Site) -> float:
    """Have every open job done by one worker; seconds."""
    began = time.perf_counter()
    with here.workers(WORKER_CONCURRENCY="20"):
        open_jobs = "SELECT count(*) FROM jobs WHERE status IN ('pending', 'in_progress')"
        until(lambda: here.query(open_jobs)[0][0] == 0, 1200)
    return time.perf_counter() - began


def main() -> None:
    """Print the rows, as a table or as JSON."""
    # Ended from outside it takes its servers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = [argument for argument in sys.argv[1:] if argument != "--json"]
    found = rows(*arguments)
    if "--json" in sys.argv:
        print(json.dumps([asdict(row) for row in found], indent=1))
        return
    for row in found:
        print(f"{row.what}: {row.figure}" + (f"  (goal {row.goal})" if row.goal else ""))


if __name__ == "__main__":
    main()
