"""The metric by which KEDA adds and takes workers (K09), on the queue's own tables and real connections."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from batch_providers import MakeSettings

from app.database import queue_pool
from components.queue_scaler import QueueScalerArgs, needed_jobs

WORKERS = "worker"
QUEUE = "INSERT INTO pgqueuer (priority, status, entrypoint) SELECT 0, 'queued', $1 FROM generate_series(1, $2::int)"


def args(queue: str | None) -> QueueScalerArgs:
    return QueueScalerArgs("shared", "product", WORKERS, 1, 5, 100, 10, 300, "secret", "database_url", queue)


@pytest.mark.requirement("K09")
@pytest.mark.parametrize(
    ("jobs", "workers", "metric"),
    [(9, 3, 0), (10, 3, 300), (100, 1, 100), (101, 1, 101), (250, 2, 250), (50, 0, 50), (0, 2, 0)],
)
def test_workers_are_added_above_100_kept_from_10_on_and_taken_away_below(
    make_settings: MakeSettings, jobs: int, workers: int, metric: int
) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as running:
            for _ in range(workers):
                await running.enter_async_context(await queue_pool(make_settings(service=WORKERS)))
            keda = await running.enter_async_context(await queue_pool(make_settings(service="keda")))
            await keda.execute(QUEUE, "text", jobs)
            assert await keda.fetchval(needed_jobs(args(None))) == metric

    asyncio.run(scenario())


@pytest.mark.requirement("K09")
def test_each_queue_is_counted_for_its_own_workers(make_settings: MakeSettings) -> None:
    async def scenario() -> None:
        async with await queue_pool(make_settings(service="keda")) as keda:
            await keda.execute(QUEUE, "video", 30)
            await keda.execute(QUEUE, "text", 40)
            assert [await keda.fetchval(needed_jobs(args(one))) for one in ("video", "text", None)] == [30, 40, 70]

    asyncio.run(scenario())
