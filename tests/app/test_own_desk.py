"""A worker that writes in its own process: no im, and the same ledger, budget and limits over all processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from conftest import Fleet, eventually, run_app
from recorded import MakeSettings, provider, using
from test_ledger import calls
from test_worker import accept, ended

from app.domain import JobStatus
from app.lifecycle import Lifecycle
from app.services import Services, running
from app.settings import Settings
from app.worker import Worker
from app.writers.desk import desk

pytestmark = pytest.mark.usefixtures("empty_redis")
NOBODY = "http://127.0.0.1:1"


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[Services]:
    async with running(settings, Lifecycle()) as services, desk(services) as own, Worker(services, own).working():
        yield services


def test_a_worker_with_a_desk_writes_jobs_while_no_im_is_there(make_settings: MakeSettings) -> None:
    async def scenario() -> None:
        async with working(make_settings(im_url=NOBODY)) as services:
            job = await ended(services, await accept(services))
            assert (job.status, job.provider, job.attempt) == (JobStatus.COMPLETED, "embedded", 1)

    asyncio.run(scenario())


@pytest.mark.requirement("E07")
def test_two_workers_with_desks_keep_to_one_budget_of_a_day(make_settings: MakeSettings, database_url: str) -> None:
    with provider("openai") as openai:
        # A call reserves the most it can cost; the budget of the day has room for one.
        settings = using(make_settings, openai, llm_max_cost_per_day_usd=0.02, llm_cache_seconds=0)

        async def scenario() -> None:
            async with AsyncExitStack() as stack:
                services, _ = [await stack.enter_async_context(working(settings)) for _ in range(2)]
                jobs = [await accept(services, topic=f"Quiet offices {number}") for number in range(30)]
                async with asyncio.timeout(30):
                    while True:
                        found = [await services.jobs.find(job) for job in jobs]
                        done = [job for job in found if job and job.status is JobStatus.COMPLETED]
                        if len(done) + sum(bool(job and job.waits) for job in found) == len(jobs):
                            break
                        await asyncio.sleep(0.05)
                assert 0 < len(done) < len(jobs)
                refusals = {job.error_type for job in found if job and job.waits and job.status is JobStatus.PENDING}
                assert refusals <= {"daily_budget", "budget_reserved"} and refusals

        asyncio.run(scenario())
        entries = calls(database_url)
        assert sum(entry["cost_usd"] for entry in entries) <= 0.02
        assert len(entries) == openai.charged


@pytest.mark.requirement("E07")
def test_the_ledger_knows_job_attempt_and_client_of_a_call_of_a_workers_own_desk(
    make_settings: MakeSettings, database_url: str
) -> None:
    with provider("openai") as openai:

        async def scenario() -> str:
            async with working(using(make_settings, openai)) as services:
                job = await accept(services)
                assert (await ended(services, job)).status is JobStatus.COMPLETED
                return str(job)

        job = asyncio.run(scenario())
        (entry,) = calls(database_url)
        assert (entry["job_id"], entry["attempt"], entry["client_id"]) == (job, 1, "acme")


def test_a_worker_process_that_writes_itself_answers_for_its_jobs_and_asks_for_a_key_in_production(
    fleet: Fleet,
) -> None:
    refused = run_app(fleet, "worker", ENVIRONMENT="prod", WRITES_ITSELF="true")
    assert refused.returncode == 2
    assert "configuration: LLM_PROVIDERS: " in refused.stderr
    with (
        fleet.process("cpm", "serve", "--role", "cpm", IM_URL=NOBODY) as (_, api),
        fleet.process("worker", "worker", WRITES_ITSELF="true", IM_URL=NOBODY),
    ):
        body = {"topic": "Growing tomatoes on a balcony", "content_type": "blog", "client_id": "acme"}
        job = httpx.post(f"{api}/generate", json=body).json()["job_id"]

        def status() -> object:
            found = httpx.get(f"{api}/status/{job}", params={"client_id": "acme"}).json()
            return found["status"] == "completed" and found

        assert eventually(status)["result"]["title"]  # type: ignore[index]
