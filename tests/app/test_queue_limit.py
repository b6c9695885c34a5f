"""Number of a queue's jobs that run at once, as an administrator sets it (D02)."""

from __future__ import annotations

import asyncio

import pytest
from test_worker import GOOD, FakeIm, MakeSettings, accept, ended, im, in_service, quick

from app.services import Services

__all__ = ["im"]


@pytest.mark.requirement("D02")
def test_no_more_jobs_run_at_once_than_the_queue_has_workers(
    make_settings: MakeSettings, im: tuple[FakeIm, str]
) -> None:
    fake, url = im
    fake.answers = [GOOD]
    fake.hold.clear()
    settings = quick(make_settings, url, worker_concurrency=10)

    async def asked(count: int) -> None:
        while fake.asked < count:
            await asyncio.sleep(0.02)

    async def limited(services: Services) -> None:
        await services.switchboard.set_queue_workers(2)

    async def scenario(services: Services) -> None:
        jobs = [await accept(services, topic=f"Quiet office number {number}") for number in range(6)]
        await asyncio.wait_for(asked(2), 20)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asked(3), 2)
        fake.hold.set()
        for job in jobs:
            await ended(services, job)
        assert fake.asked == 6

    in_service(settings, limited, work=False)
    in_service(settings, scenario)
