"""Jobs whose text comes from a provider's batch (D01): they wait without losing an attempt, and nothing is lost."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from batch_providers import MakeSettings
from listening import Answer, Seen, listening
from sqlalchemy import text
from starlette.testclient import TestClient
from test_worker import DRAFT, accept, ended, in_service

from app.access.owners import GUESTS
from app.domain import JobStatus, Priority, Ticket, Waiting
from app.ids import JobId
from app.job import Claim, Job
from app.queue import state
from app.services import Services
from app.settings import Settings
from app.sweeper import sweep

pytestmark = pytest.mark.requirement("D01")
GOOD = (200, DRAFT.model_dump_json().encode())
TICKET = Ticket(provider="openai", model="gpt-5-nano", batch="batch_0", item="0", given_at=datetime.now(UTC))


def waiting(left: float = 3600, again: float = 0.05) -> Waiting:
    return Waiting(ticket=TICKET, again_seconds=again, left_seconds=left)


WAIT = (202, waiting().model_dump_json().encode())


class ScriptedIm:
    """im that answers each path from a list, the last one for ever, and remembers what it was asked."""

    def __init__(self, write: list[Answer], collect: list[Answer]) -> None:
        self.scripts = {"/v1/write": write, "/v1/collect": collect}
        self.seen: list[Seen] = []

    def answer(self, seen: Seen) -> Answer:
        if seen.method == "GET":
            return 200, b"{}"
        self.seen.append(seen)
        script = self.scripts[seen.path]
        return script.pop(0) if len(script) > 1 else script[0]

    @property
    def preferences(self) -> list[str | None]:
        """Preferences that came with each request to write."""
        return [one.headers["Prefer"] for one in self.seen if one.path == "/v1/write"]


@contextmanager
def im(write: list[Answer], collect: list[Answer]) -> Iterator[tuple[ScriptedIm, str]]:
    scripted = ScriptedIm(write, collect)
    with listening(scripted.answer) as url:
        yield scripted, url


def quick(make_settings: MakeSettings, url: str, **values: object) -> Settings:
    return make_settings(**{"im_url": url, "job_retry_base_seconds": 0.05, "grace_seconds": 6, **values})


async def cheap(services: Services, **changes: object) -> JobId:
    return await accept(services, priority=Priority.COST, **changes)


async def found(services: Services, job: JobId) -> Job:
    one = await services.jobs.find(job)
    assert one is not None
    return one


async def waits(services: Services, job: JobId) -> Job:
    async with asyncio.timeout(20):
        while not (one := await found(services, job)).waits_for_batch:
            await asyncio.sleep(0.02)
    return one


async def execute(services: Services, statement: str) -> None:
    async with services.database.write() as connection:
        await connection.execute(text(statement))


async def set_waiting(services: Services, again: Waiting | None = None) -> JobId:
    """A job that waits for a batch, as a worker leaves it."""
    job = await cheap(services)
    claim, taken = await services.jobs.claim(job)
    assert claim is Claim.RUN and taken
    assert await services.jobs.wait(job, taken.attempt, again or waiting())
    return job


def test_a_job_looks_for_its_text_more_often_than_it_has_attempts_and_gets_it(make_settings: MakeSettings) -> None:
    with im([WAIT], [WAIT, WAIT, WAIT, GOOD]) as (scripted, url):

        async def scenario(services: Services) -> None:
            job = await ended(services, await cheap(services))
            assert (job.status, job.attempt, job.content) == (JobStatus.COMPLETED, 1, DRAFT.content)

        in_service(quick(make_settings, url, job_max_attempts=1), scenario)
    assert scripted.preferences == ["respond-async"]
    asked = [json.loads(one.body) for one in scripted.seen if one.path == "/v1/collect"]
    assert len(asked) == 4 and all(Ticket.model_validate(one["ticket"]) == TICKET for one in asked)


@pytest.mark.parametrize("priority", [Priority.BALANCED, Priority.QUALITY, Priority.SPEED])
def test_only_who_chose_the_price_is_made_to_wait(make_settings: MakeSettings, priority: Priority) -> None:
    with im([GOOD], [GOOD]) as (scripted, url):

        async def scenario(services: Services) -> None:
            await ended(services, await accept(services, priority=priority))

        in_service(quick(make_settings, url), scenario)
    assert scripted.preferences == [None]


def test_a_text_lost_in_its_batch_is_asked_for_directly_and_not_ordered_again(make_settings: MakeSettings) -> None:
    with im([WAIT, (503, b"{}"), GOOD], [(410, b"{}")]) as (scripted, url):

        async def scenario(services: Services) -> None:
            job = await ended(services, await cheap(services))
            assert (job.status, job.attempt, job.ticket) == (JobStatus.COMPLETED, 1, None)

        in_service(quick(make_settings, url), scenario)
    assert scripted.preferences == ["respond-async", None, None]


def test_a_batch_that_never_ends_is_given_up_at_its_time(make_settings: MakeSettings) -> None:
    endless = (202, waiting(left=0.3).model_dump_json().encode())
    with im([endless, GOOD], [endless]) as (scripted, url):

        async def scenario(services: Services) -> None:
            job = await ended(services, await cheap(services))
            assert (job.status, job.attempt, job.ticket) == (JobStatus.COMPLETED, 1, None)

        in_service(quick(make_settings, url), scenario)
    assert scripted.preferences == ["respond-async", None]


@pytest.mark.parametrize("answer", [(503, b"{}"), (404, b"{}"), (200, b"well"), (500, b"")])
def test_while_nobody_can_say_how_the_batch_is_the_job_waits_on(make_settings: MakeSettings, answer: Answer) -> None:
    """Among them is an im of the release before, which does not know the question."""
    with im([WAIT], [answer, answer, GOOD]) as (scripted, url):

        async def scenario(services: Services) -> None:
            job = await ended(services, await cheap(services))
            assert (job.status, job.attempt) == (JobStatus.COMPLETED, 1)

        in_service(quick(make_settings, url, job_max_attempts=1, job_lease_seconds=1), scenario)
    assert len(scripted.preferences) == 1


def test_a_job_that_is_cancelled_while_it_waits_is_not_asked_for_any_more(
    make_settings: MakeSettings, database_url: str
) -> None:
    with im([WAIT], [WAIT]) as (_, url):

        async def scenario(services: Services) -> None:
            job = (await waits(services, await cheap(services))).id
            # A worker that has it in its hand at this moment drops it, and then it is in no queue either.
            assert await services.jobs.cancel(job, GUESTS) is not None
            connection = await asyncpg.connect(database_url)
            async with asyncio.timeout(20):
                while await connection.fetchval("SELECT count(*) FROM pgqueuer"):
                    await asyncio.sleep(0.02)
            await connection.close()
            assert (await found(services, job)).status is JobStatus.CANCELLED

        in_service(quick(make_settings, url), scenario)


def test_a_worker_that_lost_the_job_changes_nothing_of_how_it_waits(make_settings: MakeSettings) -> None:
    async def scenario(services: Services) -> None:
        job = await cheap(services)
        _, first = await services.jobs.claim(job)
        _, second = await services.jobs.claim(job)
        assert first and second
        assert not await services.jobs.wait(job, first.attempt, waiting())
        assert await services.jobs.wait(job, second.attempt, waiting())
        for late in (first.attempt, second.attempt):
            assert not await services.jobs.forget_ticket(job, late)
            assert not await services.jobs.fail(job, late, "invalid_content")
            assert not await services.jobs.complete(job, late, DRAFT)
            assert not await services.jobs.wait(job, late, waiting())
        assert (await found(services, job)).ticket == TICKET

    in_service(make_settings(), scenario, work=False)


def test_a_job_that_waits_for_a_batch_does_not_expire(make_settings: MakeSettings) -> None:
    async def scenario(services: Services) -> None:
        job = await set_waiting(services)
        await execute(services, "UPDATE jobs SET expires_at = now() - interval '1 hour'")
        assert (await sweep(services.database, timedelta(0))).expired == 0
        claim, taken = await services.jobs.claim(job)
        assert claim is Claim.RUN and taken and taken.ticket == TICKET
        assert await services.jobs.forget_ticket(job, taken.attempt)
        assert await services.jobs.give_back(job, taken.attempt)
        assert (await sweep(services.database, timedelta(0))).expired == 0, "it was begun in time"

    in_service(make_settings(), scenario, work=False)


def test_workers_that_die_while_they_look_use_up_no_attempts_until_the_time_is_over(
    make_settings: MakeSettings,
) -> None:
    async def scenario(services: Services) -> None:
        job = await set_waiting(services)
        assert [(await services.jobs.claim(job))[0] for _ in range(5)] == [Claim.RUN] * 5
        await execute(services, "UPDATE jobs SET ticket_until = now() - interval '1 second'")
        assert (await services.jobs.claim(job))[0] is Claim.EXHAUSTED

    in_service(make_settings(job_max_attempts=2), scenario, work=False)


def test_a_waiting_job_that_fell_out_of_the_queue_is_put_back(make_settings: MakeSettings) -> None:
    with im([GOOD], [GOOD]) as (scripted, url):

        async def scenario(services: Services) -> None:
            job = await set_waiting(services)
            await execute(services, "DELETE FROM pgqueuer")
            assert (await sweep(services.database, timedelta(0))).requeued == 1
            assert (await found(services, job)).waits_for_batch

        async def then(services: Services) -> None:
            async with services.database.read() as connection:
                row = (await connection.execute(text("SELECT id FROM jobs"))).one()
            assert (await ended(services, JobId.parse(row.id))).status is JobStatus.COMPLETED

        in_service(quick(make_settings, url), scenario, work=False)
        in_service(quick(make_settings, url), then)
    assert [one.path for one in scripted.seen] == ["/v1/collect"]


def test_the_time_limit_is_that_of_the_first_ticket(make_settings: MakeSettings) -> None:
    async def scenario(services: Services) -> None:
        job = await set_waiting(services, waiting(left=100))
        first = await found(services, job)
        _, taken = await services.jobs.claim(job)
        assert taken and await services.jobs.wait(job, taken.attempt, waiting(left=9000))
        assert (await found(services, job)).ticket_until == first.ticket_until

    in_service(make_settings(), scenario, work=False)


def test_waiting_for_a_batch_is_no_work_for_another_worker(make_settings: MakeSettings) -> None:
    with im([(202, waiting(again=3600).model_dump_json().encode())], [WAIT]) as (_, url):

        async def scenario(services: Services) -> None:
            await waits(services, await cheap(services))
            async with asyncio.timeout(20):
                while True:
                    async with services.database.read() as connection:
                        now = await state(connection)
                    if now.running == 0:
                        break
                    await asyncio.sleep(0.02)
            assert (now.waiting, now.in_batches, now.oldest_seconds) == (0, 1, 0)

        in_service(quick(make_settings, url), scenario)


def test_clients_are_told_in_words_what_the_text_waits_for(
    make_settings: MakeSettings, make_client: Callable[..., TestClient]
) -> None:
    jobs: list[JobId] = []

    async def scenario(services: Services) -> None:
        jobs.append(await set_waiting(services))

    in_service(make_settings(), scenario, work=False)
    client = make_client()
    shown = client.get(f"/status/{jobs[0]}").json()
    assert (shown["status"], shown["attempt"]) == ("in_progress", 0)
    assert shown["waits_for"].startswith("The text is written in a batch of openai for half the price; by 20")
    with client.websocket_connect(f"/ws/jobs/{jobs[0]}") as socket:
        socket.send_text("{}")
        assert json.loads(socket.receive_text())["waits_for"] == shown["waits_for"]
    assert client.post(f"/cancel/{jobs[0]}").json()["waits_for"] is None
