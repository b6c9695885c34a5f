"""Faults around the service while it works: after each fault every accepted job has ended, in one state, once."""

import asyncio
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest
import redis
from conftest import PASSWORD, TEMPLATE, USER, Fleet, Servers, apart, eventually, fleet_over, redis_in
from under_load import BODY, Clients, run_sql, site

from app.database import Database
from app.domain import GenerationRequest
from app.ids import JobId
from app.intake import Submission
from app.lifecycle import Lifecycle
from app.migrate import migrate
from app.services import running
from app.settings import Settings
from app.sweeper import Swept, sweep
from app.time_limits import Task
from localcloud.debian import unpacked
from localcloud.postgres import PostgresServer
from localcloud.redis import RedisServer
from localcloud.servers import free_port

CONNECTIONS = 14


@pytest.fixture(scope="module")
def breakable(folder: Path) -> PostgresServer:
    """A Postgres of its own with a migrated template, stopped: a test starts it, breaks it and starts it again."""
    parameters = {"shared_buffers": "32MB", "max_connections": str(CONNECTIONS), "superuser_reserved_connections": "1"}
    server = PostgresServer(folder / "breakable", "127.0.0.1", free_port(), parameters)
    server.initialise(USER, PASSWORD, TEMPLATE)
    with server.running():
        url = address(server, TEMPLATE)
        apart(migrate(Settings(database_url=url, database_url_direct=url)))  # type: ignore[arg-type]
    return server


def address(server: PostgresServer, database: str) -> str:
    return f"postgresql://{USER}:{PASSWORD}@{server.host}:{server.port}/{database}?sslmode=disable"


@contextmanager
def database(server: PostgresServer) -> Iterator[str]:
    """A migrated database of the breakable server; its address."""
    name = f"t_{uuid4().hex[:16]}"
    run_sql(address(server, "postgres"), f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}", "SELECT 1")
    yield address(server, name)


def over(server: PostgresServer, url: str, servers: Servers, folder: Path) -> Fleet:
    small = {"DATABASE_POOL_SIZE": "2", "DATABASE_MAX_OVERFLOW": "0", "DATABASE_POOL_TIMEOUT_SECONDS": "2"}
    fleet = fleet_over(url, url, servers.redis_url, folder)
    return Fleet({**fleet.environment, **small}, folder)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["stopped", "killed"])
def test_postgres_stopped_or_killed_and_started_again_loses_no_job(
    breakable: PostgresServer, servers: Servers, tmp_path: Path, end: int
) -> None:
    with ExitStack() as first:
        server = first.enter_context(breakable.running())
        with database(breakable) as url, site(over(breakable, url, servers, tmp_path), url) as here:
            with here.clients.asking():
                here.clients.seen(202, 20)
                whole = psutil.Process(server.pid)
                family = [whole, *whole.children(recursive=True)]
                # A killed postmaster leaves its children to find out by themselves; a machine that dies does not.
                for process in family if end == signal.SIGKILL else [whole]:
                    send(process, end)
                server.wait()
                here.clients.seen(503, 5)
                first.close()
                first.enter_context(breakable.running())
                here.clients.seen(202, 20)
            here.every_job_ended_once()
            here.nothing_broke()


def send(process: psutil.Process, end: int) -> None:
    try:
        process.send_signal(end)
    except psutil.NoSuchProcess:
        return


@contextmanager
def nobody_else_connected(url: str) -> Iterator[None]:
    """Take every connection there is, and those that the service has too, until the end of the block."""
    over = threading.Event()

    async def take() -> None:
        taken = [await asyncpg.connect(url)]
        while not over.is_set():
            await taken[0].execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name != ''"
            )
            with suppress(asyncpg.TooManyConnectionsError):
                taken.append(await asyncpg.connect(url))
        await asyncio.gather(*(connection.close() for connection in taken))

    thread = threading.Thread(target=asyncio.run, args=(take(),))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_exhausted_connections_are_a_503_and_pass(breakable: PostgresServer, servers: Servers, tmp_path: Path) -> None:
    with breakable.running(), database(breakable) as url, site(over(breakable, url, servers, tmp_path), url) as here:
        with here.clients.asking():
            here.clients.seen(202, 20)
            with nobody_else_connected(url):
                here.clients.seen(503, 10)
            here.clients.seen(202, 20)
        here.every_job_ended_once()
        here.nothing_broke()


def test_a_full_disk_is_a_503_and_everything_goes_on_when_there_is_room(
    breakable: PostgresServer, servers: Servers, tmp_path: Path
) -> None:
    """The disk's end is a limit on the size of the server's files: the same failure of the same calls, without root."""
    with (
        breakable.running() as server,
        database(breakable) as url,
        site(over(breakable, url, servers, tmp_path), url) as here,
    ):
        with here.clients.asking():
            here.clients.seen(202, 20)
            limit_files(breakable, server.pid, str(WAL_SEGMENT))
            eventually(lambda: fill(url, 150) and fill(url, 0) and here.clients.statuses[503] >= 5)
            limit_files(breakable, server.pid, "unlimited")
            here.clients.seen(202, 20)
        here.every_job_ended_once()
        here.nothing_broke()


# The log's files have this size from their beginning, so they can go on when no other file can grow beyond it.
WAL_SEGMENT = 16 * 1024 * 1024


def limit_files(server: PostgresServer, pid: int, largest: str) -> None:
    """For the server's processes now and those it starts from now on; as its user, who may do that to them."""
    identity = server.identity()
    owner = {"user": identity.uid, "group": identity.gid, "extra_groups": []} if identity else {}
    for process in (psutil.Process(pid), *psutil.Process(pid).children()):
        command = ["prlimit", f"--pid={process.pid}", f"--fsize={largest}:unlimited"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, **owner)
        # A process that served a connection may have ended meanwhile, and with it its limit.
        assert done.returncode == 0 or not psutil.pid_exists(process.pid), done.stderr


def fill(url: str, length: int) -> bool:
    """Add jobs with so much text until none fits any more; small ones take the room that is left beside large ones."""
    with pytest.raises(asyncpg.PostgresError, match="could not extend file"):
        run_sql(url, FILLER.replace(":length", str(length)))
    return True


FILLER = """
DO $$ BEGIN LOOP
    INSERT INTO jobs (id, created_at, client_id, topic, content_type, priority, status, expires_at, error)
    SELECT gen_random_uuid(), now(), '', '', 'blog', 'cost', 'failed', now(), nullif(repeat('x', :length), '')
    FROM generate_series(1, 50) AS i;
    COMMIT;
END LOOP; END $$
"""


@pytest.fixture
def own_redis(folder: Path) -> RedisServer:
    """A Redis that a test may break; stopped."""
    return redis_in(folder, f"redis-{uuid4().hex[:8]}")


@pytest.mark.requirement("E06")
@pytest.mark.parametrize("fault", ["stopped", "frozen", "full"])
def test_redis_stopped_frozen_or_full_is_never_seen_by_a_client(
    own_redis: RedisServer, servers: Servers, database_url: str, tmp_path: Path, fault: str
) -> None:
    fleet = fleet_over(database_url, database_url, f"redis://127.0.0.1:{own_redis.port}/0", tmp_path)
    limits = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_PER_MINUTE": "100000", "RATE_LIMIT_PER_HOUR": "100000"}
    limits["RATE_LIMIT_GENERATE_PER_MINUTE"] = "100000"
    with ExitStack() as first:
        server = first.enter_context(own_redis.running())
        with site(fleet, database_url, cpm=limits) as here:
            with here.clients.asking():
                here.clients.seen(202, 20)
                if fault == "stopped":
                    first.close()
                elif fault == "frozen":
                    server.send_signal(signal.SIGSTOP)
                    first.callback(server.send_signal, signal.SIGCONT)
                else:
                    client = redis.Redis(port=own_redis.port)
                    client.config_set("maxmemory-policy", "noeviction")
                    client.config_set("maxmemory", 1)
                here.clients.seen(202, 50)
                expected = (200, "ready" if fault == "full" else "degraded")
                # A process looks at its stores once a second.
                eventually(lambda: readiness(here.clients.api) == expected, seconds=10)
            here.every_job_ended_once()
            assert here.clients.statuses.keys() == {202}


def readiness(api: str) -> tuple[int, str]:
    """Answer of an API to the readiness check."""
    reply = httpx.get(f"{api}/ready")
    return reply.status_code, reply.json()["status"]


def test_an_api_killed_under_load_keeps_what_it_promised(fleet: Fleet, database_url: str) -> None:
    clients = Clients("")
    with fleet.process("first", "serve", "--role", "cpm") as (victim, clients.api), clients.asking():
        clients.seen(202, 30)
        victim.kill()
        clients.seen(0, 2)
    with site(fleet, database_url) as here:
        here.clients.accepted = clients.accepted
        here.every_job_ended_once()


@pytest.fixture(scope="session")
def wrong_clock() -> str:
    """The library that gives a process another time than the machine's."""
    found = unpacked("libfaketime-debian", ("libfaketime",))
    library = next((found or Path("/usr/lib")).rglob("libfaketimeMT.so.1"), None)
    assert library, "libfaketime is neither installed nor to be had by apt-get"
    return str(library)


def test_clocks_that_jump_end_no_job_and_run_none_twice(
    fleet: Fleet, database_url: str, wrong_clock: str, tmp_path: Path
) -> None:
    """The API's clock is two days behind and the worker's jumps two days ahead: more than a job may wait."""
    ahead, behind = tmp_path / "ahead", tmp_path / "behind"
    ahead.write_text("+0")
    behind.write_text("-2d")
    clock = {"LD_PRELOAD": wrong_clock, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    worker, api = ({**clock, "FAKETIME_TIMESTAMP_FILE": str(path)} for path in (ahead, behind))
    with site(fleet, database_url, worker=worker, cpm=api) as here:
        with here.clients.asking():
            here.clients.seen(202, 20)
            ahead.write_text("+2d")
            here.clients.seen(202, 20)
            behind.write_text("+2d")
            here.clients.seen(202, 20)
        here.every_job_ended_once()
        wrong = "count(*) FILTER (WHERE abs(extract(epoch FROM now() - created_at)) > 3600)"
        found = run_sql(database_url, f"SELECT {wrong}, max(attempt) FROM jobs")  # noqa: S608
        assert tuple(found[0]) == (0, 1), "jobs are dated by the database's clock, and nothing was tried again"


def test_ten_thousand_queued_jobs_survive_a_restart_and_are_in_the_queue_once(
    breakable: PostgresServer, make_settings: Callable[..., Settings]
) -> None:
    async def accept(url: str) -> list[str]:
        async with running(make_settings(database_url=url, database_url_direct=url), Lifecycle()) as services:
            request = GenerationRequest.model_validate(BODY)
            accepted: list[str] = []
            while len(accepted) < 10_000:
                some = (Submission(JobId.new("use1"), request, "~acme") for _ in range(1000))
                receipts = await asyncio.gather(*(services.intake.accept(job) for job in some))
                accepted += (str(receipt.job) for receipt in receipts)
            return accepted

    with ExitStack() as first:
        server = first.enter_context(breakable.running())
        with database(breakable) as url:
            accepted = apart(accept(url))
            for process in (psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)):
                send(process, signal.SIGKILL)
            first.close()
            with breakable.running():
                rows = run_sql(url, "SELECT j.id, q.dedupe_key FROM jobs j LEFT JOIN pgqueuer q ON q.dedupe_key = j.id")
                assert sorted(row["id"] for row in rows) == sorted(accepted)
                assert all(row["id"] == row["dedupe_key"] for row in rows)
                settings = make_settings(database_url=url, database_url_direct=url, job_lease_seconds=1)
                assert apart(swept(settings)) == Swept(0, 0), "nothing is put back that was not lost"


async def swept(settings: Settings) -> Swept:
    store = Database(settings, task=Task.MAINTENANCE)
    try:
        return await sweep(store, timedelta(0))
    finally:
        await store.close()
