"""Outages of 1, 10 and 60 minutes (C03, E07): no accepted job fails, none is done twice, none is paid for twice.

A minute is a tenth of a second here, and so are the service's own times, by its settings; nothing is left out.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from conftest import PASSWORD, TEMPLATE, USER, Fleet, Servers, apart, eventually, fleet_over, redis_in
from recorded import Provider, good, provider
from test_ledger import im_variables, rows
from test_worker import accept, in_service

from app.ids import JobId
from app.migrate import migrate
from app.services import Services
from app.settings import Settings
from localcloud.postgres import PostgresServer
from localcloud.redis import RedisServer
from localcloud.servers import free_port, started

MINUTE = 0.1
# Times of the defaults in the measure of MINUTE: backoff from 2 s, breaker 30 s, lease 30 s at the least it can be.
QUICK = {"job_retry_base_seconds": 0.01, "job_lease_seconds": 1, "job_sweep_seconds": 0.5, "grace_seconds": 6}
IM = {"LLM_BREAKER_SECONDS": "0.05", "LLM_TIMEOUT_SECONDS": "3", "LLM_DEADLINE_SECONDS": "8", "LLM_RETRIES": "1"}
JOBS = 6

pytestmark = [pytest.mark.requirement("E07"), pytest.mark.usefixtures("empty_redis")]
minutes = pytest.mark.parametrize("length", [1, 10, 60], ids=lambda length: f"{length}-minutes")


class Site:
    """A worker in this process, im in one of its own, and a provider that counts what it answers."""

    def __init__(self, fleet: Fleet, settings: Settings, one: Provider) -> None:
        self.fleet, self.settings, self.provider = fleet, settings, one
        self.port = int(settings.im_url[0].rpartition(":")[2])

    @contextmanager
    def im(self, name: str = "im") -> Iterator[None]:
        """im, always at the same address."""
        variables = {**self.fleet.environment, **im_variables(self.provider), **IM, "PORT": str(self.port)}
        with started(
            [sys.executable, "-m", "app", "serve", "--role", "im"],
            environment=variables,
            identity=None,
            log=self.fleet.log(name),
            ready=lambda: answers(self.port),
            stop_signal=signal.SIGTERM,
        ):
            yield

    def drill(self, outage: Callable[[], None], *, during: bool = True, attempts: int = 1) -> None:
        """Jobs before the outage and in it; afterwards all are done, in no more than so many attempts."""

        async def scenario(services: Services) -> None:
            jobs = [await accept(services, topic=f"Topic {number}") for number in range(JOBS)]
            breaking = asyncio.create_task(asyncio.to_thread(outage))
            if during:
                jobs += [await accept(services, topic=f"Later {number}") for number in range(JOBS)]
            await breaking
            await all_done(services, jobs)

        in_service(self.settings, scenario)
        self.every_text_was_paid_for_once(attempts)

    def every_text_was_paid_for_once(self, attempts: int) -> None:
        """At the provider, and in the ledger; what could not be settled in time is in it at its reserve."""
        url = self.settings.database_url_direct.get_secret_value()
        jobs = rows(url, "SELECT id, status, attempt FROM jobs")
        assert {row["status"] for row in jobs} == {"completed"} and max(row["attempt"] for row in jobs) <= attempts
        assert self.provider.charged == len(jobs)
        eventually(lambda: not rows(url, "SELECT 1 FROM llm_calls WHERE settled_at IS NULL"))
        written = [row["job_id"] for row in rows(url, "SELECT job_id FROM llm_calls WHERE outcome = 'written'")]
        abandoned = {row["job_id"] for row in rows(url, "SELECT job_id FROM llm_calls WHERE outcome = 'abandoned'")}
        assert len(set(written)) == len(written) and {*written, *abandoned} == {row["id"] for row in jobs}
        assert attempts > 1 or not abandoned
        others = "SELECT sum(cost_usd) FROM llm_calls WHERE outcome NOT IN ('written', 'abandoned')"
        assert not rows(url, others)[0][0]


def answers(port: int) -> bool:
    import httpx

    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


async def all_done(services: Services, jobs: list[JobId]) -> None:
    async with asyncio.timeout(90):
        for job in jobs:
            while (found := await services.jobs.find(job)) is None or not found.status.final:
                await asyncio.sleep(0.05)


def lasting(length: int) -> None:
    """The time of the outage itself, which is what the drill is about."""
    time.sleep(length * MINUTE)


@pytest.fixture
def one() -> Iterator[Provider]:
    with provider("openai") as made:
        yield made


@pytest.fixture
def place(fleet: Fleet, make_settings: Callable[..., Settings], one: Provider) -> Site:
    return Site(fleet, make_settings(im_url=f"http://127.0.0.1:{free_port()}", **QUICK), one)


@minutes
def test_im_away(place: Site, length: int) -> None:
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(place.im())

        def outage() -> None:
            first.close()
            lasting(length)
            second.enter_context(place.im("again"))

        place.drill(outage)


@minutes
@pytest.mark.parametrize(
    "answer", [(503, b"{}"), (429, b"{}", {"Retry-After": "1"}), (401, b"{}")], ids=["5xx", "429", "key"]
)
def test_provider_refuses(place: Site, one: Provider, length: int, answer: tuple[int, bytes]) -> None:
    def outage() -> None:
        lasting(length)
        one.answers = [good("openai")]

    one.answers = [answer]
    with place.im():
        place.drill(outage)


@minutes
def test_budget_spent(place: Site, database_url: str, length: int) -> None:
    """Midnight is made: the day's total goes, and the jobs that wait for it come up."""
    spent = "INSERT INTO llm_days SELECT (now() AT TIME ZONE 'UTC')::date, 50"
    waiting = "SELECT count(*) FROM jobs WHERE error_type = 'daily_budget'"

    def outage() -> None:
        lasting(length)
        eventually(lambda: rows(database_url, waiting)[0][0] == 2 * JOBS)
        rows(database_url, "DELETE FROM llm_days")
        rows(database_url, "UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued'")

    rows(database_url, spent)
    with place.im():
        place.drill(outage)


@minutes
@pytest.mark.parametrize("fault", ["stopped", "frozen"])
def test_redis_away(
    folder: Path, database_url: str, tmp_path: Path, make_settings: Callable[..., Settings], length: int, fault: str
) -> None:
    server: RedisServer = redis_in(folder, f"redis-{uuid4().hex[:8]}")
    url = f"redis://127.0.0.1:{server.port}/0"
    with provider("openai") as one, ExitStack() as first, ExitStack() as second:
        process = first.enter_context(server.running())
        settings = make_settings(im_url=f"http://127.0.0.1:{free_port()}", redis_url=url, **QUICK)
        here = Site(fleet_over(database_url, database_url, url, tmp_path), settings, one)

        def outage() -> None:
            if fault == "frozen":
                process.send_signal(signal.SIGSTOP)
                lasting(length)
                process.send_signal(signal.SIGCONT)
            else:
                first.close()
                lasting(length)
                second.enter_context(server.running())

        with here.im():
            here.drill(outage)


@pytest.fixture(scope="module")
def breakable(folder: Path) -> PostgresServer:
    """A Postgres of its own with a migrated template, stopped."""
    parameters = {"shared_buffers": "32MB", "max_connections": "40"}
    server = PostgresServer(folder / "outages", "127.0.0.1", free_port(), parameters)
    server.initialise(USER, PASSWORD, TEMPLATE)
    with server.running():
        url = address(server, TEMPLATE)
        apart(migrate(Settings(database_url=url, database_url_direct=url)))  # type: ignore[arg-type]
    return server


def address(server: PostgresServer, name: str) -> str:
    return f"postgresql://{USER}:{PASSWORD}@{server.host}:{server.port}/{name}?sslmode=disable"


@minutes
def test_database_restarted_under_load(
    breakable: PostgresServer,
    servers: Servers,
    make_settings: Callable[..., Settings],
    tmp_path: Path,
    length: int,
) -> None:
    name = f"t_{uuid4().hex[:16]}"
    with provider("openai") as one, ExitStack() as first, ExitStack() as second:
        first.enter_context(breakable.running())
        rows(address(breakable, "postgres"), f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        url = address(breakable, name)
        own = {"database_url": url, "database_url_direct": url}
        settings = make_settings(im_url=f"http://127.0.0.1:{free_port()}", **own, **QUICK)
        here = Site(fleet_over(url, url, servers.redis_url, tmp_path), settings, one)

        def outage() -> None:
            # Some calls are under way: paid for, and nowhere to write it down.
            eventually(lambda: one.seen)
            first.close()
            one.hold.set()
            lasting(length)
            second.enter_context(breakable.running())

        one.hold.clear()
        with here.im():
            # A worker that does not hear of its claim, or loses its lease, has used up an attempt.
            here.drill(outage, during=False, attempts=2)
