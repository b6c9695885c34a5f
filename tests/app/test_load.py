"""The load profiles: what they send, which limits fail a run, and a small load that loses nothing."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import asyncpg
import pytest
from conftest import Fleet

from tests.load.client import load, post

ROOT = Path(__file__).parents[2]
LOCUST = ROOT / "tests/load/locustfile.py"
BODY = {"topic": "How to brew better coffee at home", "content_type": "social", "client_id": "load"}
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

# In a process of its own: locust replaces the sockets of whoever imports it.
LOOK = """
import json, runpy
found = runpy.run_path("{file}")
writer = found["Writer"]
weights = dict()
for task in writer.tasks:
    weights[task.__name__] = weights.get(task.__name__, 0) + 1
waits = [writer.wait_time(None) for _ in range(200)]
ticks = []
if "Steps" in found:
    steps = found["Steps"]()
    for second in range(0, 210):
        steps.get_run_time = lambda: second
        tick = steps.tick()
        ticks.append(tick and tick[0])
print(json.dumps([weights, min(waits), max(waits), found["LIMITS"], ticks]))
"""

# One client with a service that gives each job the next number.
POLL = """
import contextlib, json, runpy, types
given, polled = [], set()

class Client:
    @contextlib.contextmanager
    def post(self, path, **ignored):
        given.append(str(len(given)))
        reply = dict(status_code=202, json=lambda: dict(job_id=given[-1]), success=lambda: None)
        yield types.SimpleNamespace(**reply)

    def get(self, path, name):
        polled.add(path)

kind = runpy.run_path("{file}")["Writer"]
one = object.__new__(kind)
one.client = Client()
one.on_start()
for _ in range(13):
    one.blog()
for _ in range(500):
    one.status()
print(json.dumps(sorted(polled)))
"""


def described(script: str = LOOK, **variables: str) -> list[object]:
    done = subprocess.run(
        [sys.executable, "-c", script.format(file=LOCUST)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout))


def run_locust(host: str, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "locust", "-f", str(LOCUST), "--headless", "--host", host, "-u", "16", "-r", "16"]
    return subprocess.run(
        [*command, "--stop-timeout", "5", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.requirement("T01")
def test_the_scenario_has_the_documents_weights_and_waits() -> None:
    weights, shortest, longest, _, _ = described()
    assert weights == {"blog": 3, "status": 2, "social": 1}
    assert isinstance(shortest, float) and isinstance(longest, float)
    assert 1 <= shortest < 2 and 4 < longest <= 5


@pytest.mark.requirement("T01")
def test_a_client_polls_any_of_its_last_ten_jobs_and_no_older_one() -> None:
    assert described(POLL) == [f"/status/{number}" for number in sorted(map(str, range(3, 13)))]


@pytest.mark.requirement("T01")
@pytest.mark.requirement("T02")
def test_the_scenario_runs_against_the_service_and_accepts_202(fleet: Fleet, database_url: str) -> None:
    async def priorities() -> set[str]:
        connection = await asyncpg.connect(database_url)
        try:
            return {row[0] for row in await connection.fetch("SELECT DISTINCT priority FROM jobs")}
        finally:
            await connection.close()

    with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
        done = run_locust(api, "--only-summary", "-t", "10s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "/generate blog" in done.stderr and "/status/{job_id}" in done.stderr
    assert asyncio.run(priorities()) == {"cost", "quality", "speed", "balanced"}


@pytest.mark.requirement("T02")
@pytest.mark.requirement("T03")
def test_a_run_that_breaks_its_profiles_limits_fails() -> None:
    limits = described()[3]
    assert limits == {"first": [2000, 5000, 0.01], "production": [1000, 3000, 0.001]}
    done = run_locust("http://127.0.0.1:1", "--only-summary", "-t", "2s")
    assert done.returncode == 1 and "limits broken: " in done.stdout


@pytest.mark.requirement("T04")
def test_the_steps_are_the_documents() -> None:
    ticks = described(PROFILE="steps")[4]
    assert isinstance(ticks, list)
    assert Counter(ticks[:200]) == {10: 30, 25: 30, 50: 30, 100: 30, 200: 30, 0: 50}
    assert ticks[:40] == [10] * 30 + [0] * 10
    assert ticks[200:] == [None] * 10


@pytest.mark.requirement("T05")
def test_a_thousand_requests_at_concurrency_fifty_are_a_thousand_jobs(fleet: Fleet, database_url: str) -> None:
    def request(number: int) -> bytes:
        return post("/generate", json.dumps({**BODY, "topic": f"Coffee number {number}"}).encode())

    async def stored() -> int:
        connection = await asyncpg.connect(database_url)
        try:
            return int(await connection.fetchval("SELECT count(DISTINCT topic) FROM jobs WHERE status = 'pending'"))
        finally:
            await connection.close()

    with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
        port = int(api.rpartition(":")[2])
        run = asyncio.run(load("127.0.0.1", port, request, connections=50, requests=1000))
        page = asyncio.run(load("127.0.0.1", port, lambda _: GET, connections=10, requests=100))
    assert run.statuses == {202: 1000}
    assert len({json.loads(body)["job_id"] for body in run.bodies}) == asyncio.run(stored()) == 1000
    assert page.statuses == {200: 100}
