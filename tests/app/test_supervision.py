"""Background tasks: what fails is heard of and begun again; what one process does for all goes on when it dies."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest
from conftest import Fleet, Servers, apart, eventually, fleet_over, run_app
from prometheus_client import REGISTRY
from under_load import run_sql

from app.database import Database
from app.lease import LEASE_SECONDS, RENEW_SECONDS, Duty, Lease
from app.settings import Settings
from app.supervision import Supervisor
from localcloud.servers import free_port

BODY = {"topic": "Quiet offices", "content_type": "social", "client_id": "acme"}


def failures(task: str) -> float:
    return REGISTRY.get_sample_value("background_failures_total", {"task": task}) or 0.0


async def until(question: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not question():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("end", [ValueError("no such mode"), None], ids=["raises", "returns"])
def test_a_task_that_ends_is_counted_and_begun_again(end: Exception | None) -> None:
    begun: list[int] = []

    async def loop() -> None:
        begun.append(1)
        if len(begun) < 3:
            if end is not None:
                raise end
            return
        await asyncio.Event().wait()

    async def scenario() -> None:
        supervisor, before = Supervisor(), failures("flaky")
        async with supervisor.background(flaky=loop):
            await until(lambda: len(begun) == 1)
            await until(supervisor.down)
            assert supervisor.down() == ("flaky",)
            assert supervisor.down(60) == ()
            await until(lambda: len(begun) == 3)
            assert failures("flaky") - before == 2
        assert supervisor.down() == ()

    apart(scenario())


def test_a_task_that_runs_again_for_a_while_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.supervision.WELL_SECONDS", 0.2)
    begun: list[int] = []

    async def loop() -> None:
        begun.append(1)
        if len(begun) == 1:
            raise OSError
        await asyncio.Event().wait()

    async def scenario() -> None:
        supervisor = Supervisor()
        async with supervisor.background(once=loop):
            await until(supervisor.down)
            await until(lambda: not supervisor.down())
            assert len(begun) == 2

    apart(scenario())


def figure(api: str, name: str) -> float:
    lines = httpx.get(f"{api}/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def test_a_pod_that_is_older_than_its_migration_follows_modes_after_it(servers: Servers, tmp_path: Path) -> None:
    name = f"t_{uuid4().hex[:16]}"
    run_sql(servers.database_url("postgres"), f"CREATE DATABASE {name}", "SELECT 1")
    url, port = servers.database_url(name), free_port()
    fleet, api = fleet_over(url, url, servers.redis_url, tmp_path), f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "app", "serve", "--role", "cpm"]
    log = (tmp_path / "old.log").open("wb")
    with log, subprocess.Popen(command, env={**fleet.environment, "PORT": str(port)}, stdout=log, stderr=log) as old:
        try:
            eventually(lambda: "background task failed" in (tmp_path / "old.log").read_text())
            assert run_app(fleet, "migrate").returncode == 0
            eventually(lambda: httpx.get(f"{api}/ready").status_code == 200)
            eventually(lambda: figure(api, "pg_settings_max_connections") > 0)
            assert run_app(fleet, "mode", "maintenance").returncode == 0
            eventually(lambda: httpx.post(f"{api}/generate", json=BODY).status_code == 503)
            assert figure(api, 'background_failures_total{task="figures"}') >= 1
        finally:
            old.terminate()


def test_a_mode_of_a_newer_release_stops_nothing_for_good(fleet: Fleet, database_url: str) -> None:
    with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
        mode = "INSERT INTO service_modes VALUES ('mode', '{}') ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        run_sql(database_url, mode.format("mode-of-the-future"), "SELECT 1")
        eventually(lambda: httpx.post(f"{api}/generate", json=BODY).status_code == 503)
        run_sql(database_url, mode.format("normal"), "SELECT 1")
        eventually(lambda: httpx.post(f"{api}/generate", json=BODY).status_code == 202)


@pytest.mark.parametrize("way", ["direct", "pooler"])
def test_one_of_many_is_elected_and_another_when_it_stops_renewing(make_settings: Callable[..., Settings]) -> None:
    async def scenario() -> None:
        database = Database(make_settings())
        first, second = (Lease(database, Duty.SWEEP, "pod") for _ in range(2))
        try:
            assert [await first.held(), await second.held(), await first.held()] == [True, False, True]
            assert await Lease(database, Duty.FIGURES, "pod").held(), "each duty has its own"
            began = time.monotonic()
            async with asyncio.timeout(30):
                while not await second.held():
                    await asyncio.sleep(0.1)
            assert time.monotonic() - began > LEASE_SECONDS - 1
            assert not await first.held()
        finally:
            await database.close()

    apart(scenario())


def test_the_queue_is_counted_by_one_process_and_by_another_after_it_was_killed(
    fleet: Fleet, database_url: str
) -> None:
    holder = "SELECT split_part(holder, ':', 2)::int AS pid FROM leases WHERE duty = 'figures' AND until > now()"

    def elected() -> int | None:
        rows = run_sql(database_url, holder)
        return rows[0]["pid"] if rows else None

    with (
        fleet.process("one", "serve", "--role", "cpm") as (one, first),
        fleet.process("two", "serve", "--role", "cpm") as (two, second),
    ):
        apis = {one.pid: first, two.pid: second}
        for _ in range(2):
            httpx.post(f"{first}/generate", json=BODY)
        leader = eventually(elected)
        (follower,) = apis.keys() - {leader}
        eventually(lambda: figure(apis[leader], "queue_size") == 2)
        assert figure(apis[follower], "queue_size") == 0
        psutil.Process(leader).kill()
        began = time.monotonic()
        eventually(lambda: figure(apis[follower], "queue_size") == 2)
        assert time.monotonic() - began < LEASE_SECONDS + 2 * RENEW_SECONDS + 5


def test_rows_in_no_months_partition_are_a_figure(fleet: Fleet, database_url: str) -> None:
    with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
        run_sql(
            database_url,
            "INSERT INTO jobs (id, created_at, client_id, topic, content_type, priority, expires_at)"
            " VALUES ('a', '2031-06-15', 'acme', 'x', 'blog', 'cost', now())",
            "SELECT 1",
        )
        eventually(lambda: figure(api, "jobs_default_partition_rows") == 1)
