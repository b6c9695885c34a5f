"""Statements of a worker to the queue's database: no more than it needs, and none late."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from anyio import CancelScope
from batch_providers import MakeSettings
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Context
from pgqueuer.queries import Queries
from pgqueuer.types import JobId as PlaceInQueue
from sqlalchemy import text
from test_batched_jobs import GOOD, im
from test_worker import accept, ended, in_service, quick

from app.consumer import LOOK_EVERY
from app.database import queue_pool
from app.domain import JobStatus
from app.queue import enqueue
from app.queue_manager import Manager
from app.services import Services


class Untouched(Queries):
    """The queue's statements, none of which anybody may send."""

    def __getattribute__(self, name: str) -> object:
        if name in ("eligible_queued_work", "next_deferred_eta", "queued_work"):
            raise AssertionError(f"{name} was asked")
        return super().__getattribute__(name)


def test_a_worker_that_is_full_does_not_look_for_more(make_settings: MakeSettings) -> None:
    async def scenario(services: Services) -> None:
        pool = await queue_pool(services.settings)
        manager = Manager(Untouched(AsyncpgPoolDriver(pool)), most=2)
        for place in range(2):
            with pytest.raises(AssertionError, match="eligible_queued_work was asked"):
                await manager._effective_dequeue_timeout(LOOK_EVERY)
            manager.job_context[PlaceInQueue(place)] = Context(cancellation=CancelScope())
        assert await manager._effective_dequeue_timeout(LOOK_EVERY) == LOOK_EVERY
        await pool.close()

    in_service(make_settings(), scenario, work=False)


def test_a_full_worker_takes_the_next_job_when_one_ends_and_not_at_its_next_look(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.consumer.LOOK_EVERY", timedelta(hours=1))

    async def scenario(services: Services) -> None:
        jobs = [await accept(services) for _ in range(12)]
        for job in jobs:
            assert (await ended(services, job)).status is JobStatus.COMPLETED

    with im([GOOD], [GOOD]) as (_, url):
        in_service(quick(make_settings, url, worker_concurrency=2), scenario)


def test_the_queues_connections_are_given_back_without_a_word_and_without_their_transaction(
    make_settings: MakeSettings, database_url: str
) -> None:
    async def scenario(services: Services) -> None:
        pool = await queue_pool(services.settings)
        async with pool.acquire() as connection:
            process = connection.get_server_pid()
            await connection.execute("SELECT 'the last word'")
        watcher = await asyncpg.connect(database_url)
        seen = "SELECT state, query FROM pg_stat_activity WHERE pid = $1"
        assert tuple(await watcher.fetchrow(seen, process)) == ("idle", "SELECT 'the last word'")
        async with pool.acquire() as connection:
            process = connection.get_server_pid()
            await connection.execute("BEGIN")
        assert tuple(await watcher.fetchrow(seen, process)) == ("idle", "ROLLBACK")
        await watcher.close()
        await pool.close()

    in_service(make_settings(), scenario, work=False)


def test_a_job_that_a_crash_put_back_into_the_queue_is_found_done_and_not_written_again(
    make_settings: MakeSettings, database_url: str
) -> None:
    """The queue's own commits do not wait for the disk, so its last ones may be lost; the job's are not."""
    with im([GOOD], [GOOD]) as (scripted, url):

        async def scenario(services: Services) -> None:
            pool = await queue_pool(services.settings)
            assert await pool.fetchval("SHOW synchronous_commit") == "off"
            await pool.close()
            async with services.database.read() as connection:
                assert (await connection.execute(text("SHOW synchronous_commit"))).scalar() == "on"
            job = await accept(services)
            first = await ended(services, job)
            async with services.database.write() as connection:
                await connection.execute(text("DELETE FROM pgqueuer"))
                await enqueue(connection, [(job, first.assignment.priority)])
            watcher = await asyncpg.connect(database_url)
            async with asyncio.timeout(20):
                while await watcher.fetchval("SELECT count(*) FROM pgqueuer"):
                    await asyncio.sleep(0.02)
            await watcher.close()
            assert await services.jobs.find(job) == first

        in_service(quick(make_settings, url), scenario)
    assert len(scripted.seen) == 1
