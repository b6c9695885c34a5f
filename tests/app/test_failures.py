"""Classes of failures and their consequences for the job (C03)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from listening import Answer, Seen, listening
from sqlalchemy import text
from starlette.testclient import TestClient
from test_worker import GOOD, REQUEST, accept, ended, in_service, quick

from app.domain import JobStatus
from app.failures import FAILURES, Fault, failure_class, pause_seconds, until_midnight
from app.ids import JobId
from app.job import Claim, Job
from app.peers import ImClient, Peers
from app.services import Services
from app.settings import Settings
from app.writers.base import WriterError

MakeSettings = Callable[..., Settings]
NOT_THE_JOBS = (
    *("im_unreachable", "im_timeout", "im_unavailable", "circuit_open", "provider_rate_limit", "provider_queue_full"),
    *("provider_busy", "provider_unavailable", "provider_timeout", "provider_unreachable", "provider_account"),
    *("daily_budget", "budget_reserved", "deadline", "ledger_unavailable"),
)
THE_JOBS = ("invalid_content", "truncated", "content_refused", "request_refused", "crashed")


def test_only_what_is_the_jobs_own_fault_uses_up_an_attempt() -> None:
    assert not any(FAILURES[kind].counted for kind in NOT_THE_JOBS)
    assert all(FAILURES[kind].counted for kind in THE_JOBS)
    assert not failure_class("of a later release").counted
    assert [kind for kind in THE_JOBS if FAILURES[kind].final] == ["truncated", "content_refused", "request_refused"]


def test_a_bad_topic_says_nothing_of_the_provider() -> None:
    opening = {kind for kind, found in FAILURES.items() if found.fault is Fault.PROVIDER}
    assert not opening & {*THE_JOBS, "provider_rate_limit", "daily_budget"}
    assert {"provider_unavailable", "provider_timeout", "provider_busy"} <= opening


@given(times=st.integers(0, 10_000), kind=st.sampled_from(NOT_THE_JOBS))
def test_a_job_waits_for_five_minutes_at_most_or_until_midnight(times: int, kind: str) -> None:
    now = datetime(2026, 11, 26, 22, tzinfo=UTC)
    pause = pause_seconds(kind, times, 2.0, now)
    if kind == "daily_budget":
        assert 7200 <= pause <= 7500
    else:
        assert 1 <= pause <= 300
    assert pause_seconds(kind, 3, 2.0, now) >= pause_seconds(kind, 0, 2.0, now)
    assert until_midnight(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)) == 1


async def tried_and_waiting(services: Services, job: JobId) -> Job:
    async with asyncio.timeout(20):
        while (found := await services.jobs.find(job)) is None or found.error_type is None:
            await asyncio.sleep(0.02)
    return found


@pytest.mark.parametrize("kind", ["provider_unavailable", "circuit_open", "provider_rate_limit", "deadline"])
def test_more_failures_than_a_job_has_attempts_cost_it_none_when_they_are_not_its_own(
    make_settings: MakeSettings, kind: str
) -> None:
    answers: list[Answer] = [(503, b"http://10.0.0.7:8000 said no", {"X-Error-Type": kind})] * 7 + [(200, GOOD)]

    def im(seen: Seen) -> Answer:
        return (200, b"{}") if seen.method == "GET" else answers.pop(0)

    async def scenario(services: Services) -> None:
        job = await ended(services, await accept(services))
        assert (job.status, job.attempt, job.waits) == (JobStatus.COMPLETED, 1, 7)

    with listening(im) as url:
        in_service(quick(make_settings, url, job_max_attempts=2), scenario)


def test_a_job_that_meets_a_spent_budget_waits_until_midnight_and_says_so(
    make_settings: MakeSettings, make_client: Callable[..., TestClient]
) -> None:
    jobs: list[JobId] = []

    def im(seen: Seen) -> Answer:
        return (200, b"{}") if seen.method == "GET" else (503, b"{}", {"X-Error-Type": "daily_budget"})

    async def scenario(services: Services) -> None:
        # It must not expire before.
        jobs.append(await accept(services))
        job = await tried_and_waiting(services, jobs[0])
        assert (job.status, job.attempt, job.waits) == (JobStatus.PENDING, 0, 1)
        now = datetime.now(UTC)
        async with asyncio.timeout(20):
            while True:
                async with services.database.read() as connection:
                    row = (await connection.execute(text("SELECT status::text, execute_after FROM pgqueuer"))).one()
                if row.status == "queued":
                    break
                await asyncio.sleep(0.02)
        assert (
            timedelta(0) <= row.execute_after - (now + timedelta(seconds=until_midnight(now))) < timedelta(seconds=301)
        )

    with listening(im) as url:
        in_service(quick(make_settings, url, job_expiry_seconds=200_000), scenario)
    error = make_client().get(f"/status/{jobs[0]}").json()["error"]
    assert error == {
        "type": "daily_budget",
        "message": "Today's budget for texts is spent. The job goes on after midnight UTC.",
    }


def test_a_job_that_waited_until_its_end_has_expired_and_says_so(make_settings: MakeSettings) -> None:
    async def scenario(services: Services) -> None:
        job = await accept(services)
        for _ in range(3):
            claim, taken = await services.jobs.claim(job)
            assert claim is Claim.RUN and taken
            assert await services.jobs.postpone(job, taken.attempt, "im_unreachable")
        async with services.database.write() as connection:
            await connection.execute(text("UPDATE jobs SET expires_at = now() - interval '1 second'"))
        claim, found = await services.jobs.claim(job)
        assert claim is Claim.EXPIRED and found
        assert (found.status, found.error_type, found.attempt) == (JobStatus.EXPIRED, "expired", 0)
        assert found.error == "The job could not be done before it expired."

    in_service(make_settings(job_max_attempts=2), scenario, work=False)


def test_a_worker_looks_at_a_waiting_job_when_it_expires(make_settings: MakeSettings) -> None:
    def im(seen: Seen) -> Answer:
        return (200, b"{}") if seen.method == "GET" else (503, b"{}", {"X-Error-Type": "daily_budget"})

    async def scenario(services: Services) -> None:
        job = await accept(services)
        async with services.database.write() as connection:
            await connection.execute(text("UPDATE jobs SET expires_at = now() + interval '2 seconds'"))
        assert (await ended(services, job)).status is JobStatus.EXPIRED

    with listening(im) as url:
        in_service(quick(make_settings, url, job_sweep_seconds=3600), scenario)


def test_clients_read_no_address_and_no_words_of_a_driver(
    make_settings: MakeSettings, make_client: Callable[..., TestClient]
) -> None:
    jobs: list[JobId] = []

    async def scenario(services: Services) -> None:
        jobs.append(await accept(services))
        with pytest.raises(WriterError, match=r"127\.0\.0\.1:1 could not be reached") as failed:
            async with httpx.AsyncClient() as client:
                await ImClient(Peers(["http://127.0.0.1:1"], client), client, 5).write(REQUEST.assignment(), {})
        _, taken = await services.jobs.claim(jobs[0])
        assert taken and await services.jobs.postpone(jobs[0], taken.attempt, failed.value.kind)

    in_service(make_settings(), scenario, work=False)
    shown = make_client().get(f"/status/{jobs[0]}").text
    assert "127.0.0.1" not in shown and "attempts failed" not in shown
    assert "The writing service is not available at the moment." in shown
