"""Processes that die around a provider's batch (D01): every job ends once, whatever was lost between two answers."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from subprocess import Popen

import httpx
import pytest
from batch_providers import Providers, batch_providers, variables
from conftest import Fleet, eventually
from test_batched_jobs import cheap
from test_worker import in_service
from under_load import run_sql

from app.services import Services
from app.settings import Settings

pytestmark = [pytest.mark.requirement("D01"), pytest.mark.usefixtures("empty_redis")]


# What a killed im had reserved is given up after this and a little more.
QUICK = {"LLM_TIMEOUT_SECONDS": "2"}


@pytest.fixture
def providers() -> Iterator[Providers]:
    with batch_providers() as found:
        yield found


@contextmanager
def im(fleet: Fleet, providers: Providers, name: str, **changed: str) -> Iterator[tuple[Popen[bytes], str]]:
    settings = {key.upper(): str(value) for key, value in variables(providers).items() if key != "llm_providers"}
    with fleet.process(name, "serve", "--role", "im", **{**settings, "LLM_PROVIDERS": "anthropic", **changed}) as made:
        yield made


@contextmanager
def worker(fleet: Fleet, name: str, im_url: str) -> Iterator[tuple[Popen[bytes], str]]:
    with fleet.process(name, "worker", IM_URL=im_url) as made:
        yield made


def jobs(settings: Settings, number: int) -> None:
    """So many jobs, each about something of its own."""

    async def scenario(services: Services) -> None:
        for place in range(number):
            await cheap(services, topic=f"Quiet offices {place}")

    in_service(settings, scenario, work=False)


def waiting(url: str) -> int:
    query = "SELECT count(*) FROM jobs WHERE status = 'pending' AND ticket IS NOT NULL"
    return int(run_sql(url, query)[0][0])


def every_job_ended_once(fleet: Fleet, url: str, number: int, *workers: str) -> None:
    query = "SELECT count(*) FROM jobs WHERE status = 'completed' AND content IS NOT NULL"
    eventually(lambda: run_sql(url, query)[0][0] == number, 60)
    stored = eventually(lambda: found if len(found := completed(fleet, workers)) >= number else None)
    assert len(stored) == len(set(stored)) == number


def completed(fleet: Fleet, workers: Sequence[str]) -> list[str]:
    """The jobs whose text a worker says to have stored."""
    lines = [line for name in workers for line in fleet.log(name).read_text().splitlines() if '"job completed"' in line]
    return [str(json.loads(line)["job_id"]) for line in lines]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_worker_that_ends_after_it_ordered_is_followed_by_one_that_picks_up(
    fleet: Fleet, providers: Providers, settings: Settings, database_url: str, end: signal.Signals
) -> None:
    jobs(settings, 3)
    with im(fleet, providers, "im") as (_, url):
        with worker(fleet, "first", url) as (process, _):
            eventually(lambda: waiting(database_url) == 3)
            process.send_signal(end)
            process.wait(30)
        providers.state = "done"
        with worker(fleet, "second", url):
            every_job_ended_once(fleet, database_url, 3, "first", "second")
    assert sum(providers.items) == 3 and providers.direct == 0


def test_im_killed_before_it_handed_the_batch_in_loses_no_job(
    fleet: Fleet, providers: Providers, settings: Settings, database_url: str
) -> None:
    jobs(settings, 2)
    slow = {"LLM_BATCH_WINDOW_SECONDS": "10", **QUICK}
    with im(fleet, providers, "dying", **slow) as (process, dying), worker(fleet, "first", dying):
        eventually(lambda: run_sql(database_url, "SELECT sum(attempt) FROM jobs")[0][0] == 2)
        process.kill()
        process.wait(30)
    assert providers.items == []
    providers.state = "done"
    with im(fleet, providers, "im") as (_, url), worker(fleet, "second", url):
        every_job_ended_once(fleet, database_url, 2, "first", "second")
    assert sum(providers.items) == 2 and providers.direct == 0


def test_im_killed_after_it_handed_the_batch_in_costs_a_second_batch_and_loses_no_job(
    fleet: Fleet, providers: Providers, settings: Settings, database_url: str
) -> None:
    jobs(settings, 2)
    providers.hold.clear()
    with im(fleet, providers, "dying", **QUICK) as (process, dying), worker(fleet, "first", dying):
        assert providers.taken.wait(30)
        process.kill()
        process.wait(30)
    providers.hold.set()
    providers.state = "done"
    with im(fleet, providers, "im") as (_, url), worker(fleet, "second", url):
        every_job_ended_once(fleet, database_url, 2, "first", "second")
    assert providers.direct == 0 and 2 < sum(providers.items) <= 4


def test_an_answer_that_a_dead_worker_did_not_hear_is_there_for_the_next(
    fleet: Fleet, providers: Providers, settings: Settings, database_url: str
) -> None:
    jobs(settings, 2)
    providers.hold.clear()
    with im(fleet, providers, "im") as (_, url):
        with worker(fleet, "first", url) as (process, _):
            assert providers.taken.wait(30)
            process.kill()
            process.wait(30)
        providers.hold.set()
        eventually(lambda: '"batch handed in"' in fleet.log("im").read_text())
        providers.state = "done"
        with worker(fleet, "second", url):
            every_job_ended_once(fleet, database_url, 2, "first", "second")
    assert providers.items == [2] and providers.direct == 0


def test_a_stopping_im_hands_in_what_it_gathered(
    fleet: Fleet, providers: Providers, settings: Settings, database_url: str
) -> None:
    jobs(settings, 2)
    slow = {"LLM_BATCH_WINDOW_SECONDS": "3"}
    with im(fleet, providers, "stopping", **slow) as (process, url), worker(fleet, "worker", url):
        eventually(lambda: run_sql(database_url, "SELECT sum(attempt) FROM jobs")[0][0] == 2)
        process.terminate()
        assert process.wait(30) == 0
        assert providers.items == [2]
        eventually(lambda: waiting(database_url) == 2)


def test_a_cancelled_job_stays_cancelled_when_its_batch_is_ready(
    fleet: Fleet, providers: Providers, settings: Settings, database_url: str
) -> None:
    jobs(settings, 2)
    with im(fleet, providers, "im") as (_, url), worker(fleet, "worker", url):
        eventually(lambda: waiting(database_url) == 2)
        victim = run_sql(database_url, "SELECT id FROM jobs ORDER BY id LIMIT 1")[0]["id"]
        with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
            assert httpx.post(f"{api}/cancel/{victim}").status_code == 200
        providers.state = "done"
        every_job_ended_once(fleet, database_url, 1, "worker")
        query = f"SELECT status, content FROM jobs WHERE id = '{victim}'"  # noqa: S608  our own id
        assert tuple(run_sql(database_url, query)[0]) == ("cancelled", None)
