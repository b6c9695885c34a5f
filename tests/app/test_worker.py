"""Course of a job: retries, dead letters, cancellation, expiry, order, the net under the queue."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

import asyncpg
import pytest
from listening import Answer, Seen, listening
from pgqueuer.errors import FailingListenerError
from sqlalchemy import text

from app.database import queue_pool
from app.domain import GenerationRequest, JobStatus, Priority
from app.ids import JobId
from app.intake import Submission
from app.job import Claim, Job
from app.lifecycle import Lifecycle
from app.queue_manager import Manager
from app.services import Services, running
from app.settings import Settings
from app.sweeper import sweep
from app.worker import Worker
from app.writers.embedded import EmbeddedWriter
from tests.serving import served

MakeSettings = Callable[..., Settings]
REQUEST = GenerationRequest(topic="Quiet offices", content_type="blog", client_id="acme")  # type: ignore[arg-type]
DRAFT = asyncio.run(EmbeddedWriter().write(REQUEST.assignment(), "embedded-brief"))


class FakeIm:
    """im with a list of answers; the last one goes on for ever."""

    def __init__(self, *answers: int | bytes) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.hold = threading.Event()
        self.hold.set()


@pytest.fixture
def im() -> Iterator[tuple[FakeIm, str]]:
    fake = FakeIm()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._answer(200, b"{}")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            fake.asked += 1
            fake.hold.wait(20)
            answer = fake.answers.pop(0) if len(fake.answers) > 1 else fake.answers[0]
            self._answer(answer, b"{}") if isinstance(answer, int) else self._answer(200, answer)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with served(server):
        yield fake, f"http://127.0.0.1:{server.server_port}"
        fake.hold.set()


GOOD = DRAFT.model_dump_json().encode()


@pytest.fixture(params=["direct", "pooler"])
def way(request: pytest.FixtureRequest) -> str:
    """The database directly, and through a transaction pooler (P02, E09)."""
    return str(request.param)


async def accept(services: Services, **changes: object) -> JobId:
    request = REQUEST.model_copy(update=changes)
    return (await services.intake.accept(Submission(JobId.new("use1"), request, None))).job


async def ended(services: Services, job: JobId) -> Job:
    async with asyncio.timeout(30):
        while True:
            found = await services.jobs.find(job)
            if found and found.status.final:
                return found
            await asyncio.sleep(0.02)


T = TypeVar("T")


def in_service(settings: Settings, scenario: Callable[[Services], Awaitable[T]], *, work: bool = True) -> T:
    async def run() -> T:
        async with running(settings, Lifecycle()) as services:
            if not work:
                return await scenario(services)
            async with Worker(services).working():
                return await scenario(services)

    return asyncio.run(run())


def quick(make_settings: MakeSettings, url: str, **values: object) -> Settings:
    return make_settings(im_url=url, job_retry_base_seconds=0.05, grace_seconds=6, **values)


def test_a_failing_attempt_is_tried_again_until_it_succeeds(
    make_settings: MakeSettings, im: tuple[FakeIm, str]
) -> None:
    fake, url = im
    fake.answers = [b"{}", b"not json", GOOD]

    async def scenario(services: Services) -> None:
        job = await ended(services, await accept(services))
        assert (job.status, job.attempt, job.waits) == (JobStatus.COMPLETED, 3, 0)
        assert job.error is None and job.content == DRAFT.content

    in_service(quick(make_settings, url), scenario)


def test_after_the_last_attempt_the_job_is_a_dead_letter_with_its_reason(
    make_settings: MakeSettings, im: tuple[FakeIm, str]
) -> None:
    fake, url = im
    fake.answers = [b"not json"]

    async def scenario(services: Services) -> None:
        job = await ended(services, await accept(services))
        assert (job.status, job.attempt, job.error_type) == (JobStatus.FAILED, 3, "invalid_content")
        assert job.error == "The provider's text did not have the form that was asked for."
        assert fake.asked == 3

    in_service(quick(make_settings, url, job_max_attempts=3), scenario)


def test_a_refusal_that_cannot_change_is_not_tried_again(make_settings: MakeSettings, im: tuple[FakeIm, str]) -> None:
    fake, url = im
    fake.answers = [502]

    async def scenario(services: Services) -> None:
        assert (await ended(services, await accept(services))).status is JobStatus.FAILED
        assert fake.asked == 1

    in_service(quick(make_settings, url), scenario)


def test_a_result_that_does_not_fit_is_never_stored(make_settings: MakeSettings, im: tuple[FakeIm, str]) -> None:
    fake, url = im
    bad = json.loads(GOOD)
    bad["content"]["sections"] = []
    fake.answers = [json.dumps(bad).encode()]

    async def scenario(services: Services) -> None:
        job = await ended(services, await accept(services))
        assert (job.status, job.content, job.error_type) == (JobStatus.FAILED, None, "invalid_content")

    in_service(quick(make_settings, url, job_max_attempts=1), scenario)


def test_cancelling_a_running_job_drops_its_result(make_settings: MakeSettings, im: tuple[FakeIm, str]) -> None:
    fake, url = im
    fake.answers = [GOOD]
    fake.hold.clear()

    async def scenario(services: Services) -> None:
        job = await accept(services)
        while fake.asked == 0:
            await asyncio.sleep(0.02)
        cancelled = await services.jobs.cancel(job, "~")
        assert cancelled is not None
        fake.hold.set()
        found = await ended(services, job)
        assert (found.status, found.content) == (JobStatus.CANCELLED, None)
        assert await services.jobs.cancel(job, "~") is None

    in_service(quick(make_settings, url), scenario)


def test_a_job_that_expired_while_waiting_never_runs(make_settings: MakeSettings, database_url: str) -> None:
    async def scenario(services: Services) -> None:
        job = await accept(services)
        async with services.database.write() as connection:
            await connection.execute(text("UPDATE jobs SET expires_at = now() - interval '1 second'"))
        claim, found = await services.jobs.claim(job)
        assert claim is Claim.EXPIRED and found is not None and found.status is JobStatus.EXPIRED

    in_service(make_settings(), scenario, work=False)


def test_of_two_workers_on_one_job_only_the_later_one_is_heard(make_settings: MakeSettings) -> None:
    async def scenario(services: Services) -> None:
        job = await accept(services)
        _, first = await services.jobs.claim(job)
        _, second = await services.jobs.claim(job)
        assert first and second and (first.attempt, second.attempt) == (1, 2)
        assert not await services.jobs.complete(job, first.attempt, DRAFT)
        assert await services.jobs.complete(job, second.attempt, DRAFT)
        assert not await services.jobs.complete(job, second.attempt, DRAFT), "a result becomes visible once"
        assert not await services.jobs.fail(job, second.attempt, "invalid_content")
        assert (await services.jobs.claim(job))[0] is Claim.DONE

    in_service(make_settings(), scenario, work=False)


def test_a_job_that_kills_its_workers_ends_after_its_attempts(make_settings: MakeSettings) -> None:
    async def scenario(services: Services) -> None:
        job = await accept(services)
        claims = [(await services.jobs.claim(job))[0] for _ in range(4)]
        assert claims == [Claim.RUN, Claim.RUN, Claim.EXHAUSTED, Claim.DONE]
        found = await services.jobs.find(job)
        assert found and (found.status, found.error_type) == (JobStatus.FAILED, "crashed")

    in_service(make_settings(job_max_attempts=2), scenario, work=False)


def test_a_job_that_fell_out_of_the_queue_is_put_back(make_settings: MakeSettings, im: tuple[FakeIm, str]) -> None:
    fake, url = im
    fake.answers = [GOOD]

    jobs: list[JobId] = []

    async def lose(services: Services) -> None:
        jobs.append(await accept(services))
        async with services.database.write() as connection:
            await connection.execute(text("DELETE FROM pgqueuer"))
        assert (await sweep(services.database, timedelta(0))).requeued == 1
        assert (await sweep(services.database, timedelta(0))).requeued == 0

    async def scenario(services: Services) -> None:
        assert (await ended(services, jobs[0])).status is JobStatus.COMPLETED

    in_service(quick(make_settings, url), lose, work=False)
    in_service(quick(make_settings, url), scenario)


def test_a_worker_whose_listener_fails_goes_on_taking_jobs(
    make_settings: MakeSettings, im: tuple[FakeIm, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, url = im
    fake.answers = [GOOD]
    failures: list[FailingListenerError] = []

    async def deaf_once(manager: Manager, **_: object) -> None:
        if not failures:
            failures.append(FailingListenerError())
            raise failures[0]
        await manager.shutdown.wait()

    monkeypatch.setattr(Manager, "listener_healthy", deaf_once)

    async def scenario(services: Services) -> None:
        while not failures:
            await asyncio.sleep(0.02)
        for _ in range(3):
            assert (await ended(services, await accept(services))).status is JobStatus.COMPLETED

    in_service(quick(make_settings, url), scenario)


def test_a_stopping_worker_gives_its_job_back_uncounted(make_settings: MakeSettings, im: tuple[FakeIm, str]) -> None:
    fake, url = im
    fake.answers = [GOOD]
    fake.hold.clear()
    settings = quick(make_settings, url)
    jobs: list[JobId] = []

    async def begun(services: Services) -> None:
        jobs.append(await accept(services))
        while fake.asked == 0:
            await asyncio.sleep(0.02)

    in_service(settings, begun)

    async def look(services: Services) -> None:
        found = await services.jobs.find(jobs[0])
        assert found and (found.status, found.attempt, found.waits) == (JobStatus.PENDING, 0, 0)
        async with services.database.read() as connection:
            rows = await connection.execute(text("SELECT status::text, execute_after <= now() FROM pgqueuer"))
            assert [tuple(row) for row in rows] == [("queued", True)], "the next worker need not wait for the sweeper"

    in_service(settings, look, work=False)


def test_a_worker_that_is_told_to_stop_before_it_began_takes_no_job(
    make_settings: MakeSettings, im: tuple[FakeIm, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections to the queue are there when it is stopping already."""
    fake, url = im
    fake.answers = [GOOD]
    made, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(settings: Settings) -> object:
        made.set()
        await go_on.wait()
        return await queue_pool(settings)

    monkeypatch.setattr("app.consumer.queue_pool", slowly)

    async def scenario(services: Services) -> None:
        job = await accept(services)
        worker = Worker(services)

        async def stop() -> None:
            async with worker.working():
                await made.wait()

        stopping = asyncio.create_task(stop())
        while not worker._stopping.is_set():
            await asyncio.sleep(0.01)
        go_on.set()
        await stopping
        found = await services.jobs.find(job)
        assert found and (found.status, found.started_at, fake.asked) == (JobStatus.PENDING, None, 0)
        async with services.database.read() as connection:
            picked = await connection.execute(text("SELECT count(*) FROM pgqueuer_log WHERE status = 'picked'"))
            assert picked.scalar_one() == 0

    in_service(quick(make_settings, url), scenario, work=False)


def test_fast_jobs_are_taken_before_cheap_ones(make_settings: MakeSettings, database_url: str) -> None:
    async def scenario(services: Services) -> None:
        cheap = await accept(services, priority=Priority.COST)
        fast = await accept(services, priority=Priority.SPEED)
        connection = await asyncpg.connect(database_url)
        rows = await connection.fetch("SELECT dedupe_key FROM pgqueuer ORDER BY priority DESC, id")
        await connection.close()
        assert [row[0] for row in rows] == [str(fast), str(cheap)]

    in_service(make_settings(), scenario, work=False)


def test_im_is_told_whose_job_it_is_how_long_the_worker_waits_and_who_wants_a_new_text(
    make_settings: MakeSettings,
) -> None:
    asked: list[Message] = []

    def answer(seen: Seen) -> Answer:
        if seen.method == "POST":
            asked.append(seen.headers)
        return 200, GOOD

    async def scenario(services: Services) -> None:
        for fresh in (False, True):
            job = await ended(services, await accept(services, fresh=fresh))
            headers = asked.pop()
            assert (headers["X-Job-ID"], headers["X-Job-Attempt"], headers["X-Client-ID"]) == (str(job.id), "1", "acme")
            assert headers["X-Deadline-Seconds"] == "150.0"
            assert headers["Cache-Control"] == ("no-cache" if fresh else None)

    with listening(answer) as url:
        in_service(quick(make_settings, url), scenario)
