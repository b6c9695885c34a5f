"""im over HTTP: its deadline is the worker's, and it works for nobody who has left (E07)."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from conftest import Fleet, eventually, run_app
from recorded import ASSIGNMENT, provider
from test_ledger import im_variables, rows
from test_worker import accept, ended, in_service

from app.domain import JobStatus
from app.peers import DEADLINE, ERROR_TYPE
from app.services import Services
from app.settings import Settings

pytestmark = [pytest.mark.requirement("E07"), pytest.mark.usefixtures("empty_redis")]
HEADERS = {"Content-Type": "application/json"}


def test_im_begins_no_call_that_could_not_end_before_the_workers_deadline(fleet: Fleet) -> None:
    with provider("openai") as one, fleet.process("im", "serve", "--role", "im", **im_variables(one)) as (_, url):
        headers = {**HEADERS, DEADLINE: "59.9"}
        reply = httpx.post(f"{url}/v1/write", content=ASSIGNMENT.model_dump_json(), headers=headers)
        assert (reply.status_code, reply.headers[ERROR_TYPE]) == (503, "deadline")
        assert one.url not in reply.text and one.seen == []
        headers[DEADLINE] = "61"
        assert httpx.post(f"{url}/v1/write", content=ASSIGNMENT.model_dump_json(), headers=headers).status_code == 200


def test_a_worker_that_closed_its_connection_waits_in_no_line(fleet: Fleet, database_url: str) -> None:
    """The second call has to wait for its turn; meanwhile its worker leaves, and the turn is not taken."""
    limits = {"LLM_RATE_LIMIT_PER_MINUTE": "1", "LLM_TIMEOUT_SECONDS": "1", "LLM_DEADLINE_SECONDS": "100"}
    with (
        provider("openai") as one,
        fleet.process("im", "serve", "--role", "im", **im_variables(one), **limits) as (_, url),
    ):
        first = httpx.post(f"{url}/v1/write", content=ASSIGNMENT.model_dump_json(), headers=HEADERS)
        assert first.status_code == 200
        other = ASSIGNMENT.model_copy(update={"topic": "Tea"}).model_dump_json()
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/v1/write", content=other, headers=HEADERS, timeout=1)
        log = fleet.log("im")
        line = eventually(
            lambda: [one for one in log.read_text().splitlines() if '"status":499' in one.replace(" ", "")]
        )
        assert len(line) == 1 and len(one.seen) == 1
        assert [row["outcome"] for row in rows(database_url, "SELECT outcome FROM llm_calls")] == ["written"]


def test_more_jobs_than_the_provider_takes_a_minute_are_paid_once_and_none_is_lost(
    fleet: Fleet, make_settings: Callable[..., Settings], database_url: str
) -> None:
    """Twelve jobs at six a minute; the minute is over when the window is emptied."""
    limits = {"LLM_RATE_LIMIT_PER_MINUTE": "6", "LLM_QUEUE_WAIT_SECONDS": "1", "LLM_TIMEOUT_SECONDS": "2"}
    with (
        provider("openai") as one,
        fleet.process("im", "serve", "--role", "im", **im_variables(one), **limits) as (_, url),
    ):

        async def scenario(services: Services) -> None:
            jobs = [await accept(services, topic=f"Topic {number}") for number in range(12)]
            waiting = "SELECT count(*) FROM jobs WHERE error_type = 'provider_rate_limit' AND attempt = 0"
            async with asyncio.timeout(30):
                while (await asyncio.to_thread(rows, database_url, waiting))[0][0] < 6:
                    await asyncio.sleep(0.05)
            await services.redis.ask(lambda client: client.flushall())
            await asyncio.to_thread(rows, database_url, "UPDATE pgqueuer SET execute_after = now()")
            found = [await ended(services, job) for job in jobs]
            assert {(job.status, job.attempt) for job in found} == {(JobStatus.COMPLETED, 1)}

        in_service(make_settings(im_url=url, grace_seconds=6), scenario)
    assert len(one.seen) == len({json.loads(seen.body)["messages"][0]["content"] for seen in one.seen}) == 12


def test_a_deadline_in_which_no_call_fits_is_a_configuration_error(fleet: Fleet) -> None:
    refused = run_app(fleet, "serve", "--role", "im", LLM_TIMEOUT_SECONDS="200")
    assert refused.returncode == 2
    assert "LLM_DEADLINE_SECONDS: must be at least LLM_TIMEOUT_SECONDS (200)" in refused.stderr
