"""What one process is made of, built once at its start and handed to whoever needs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.database import Database
from app.intake import Intake
from app.jobs import JobStore
from app.settings import Settings


@dataclass
class Lifecycle:
    """Whether the process is on its way out: ready turns 503 while what is in flight ends."""

    draining: bool = False


@dataclass(frozen=True)
class Services:
    """The parts a request handler may use."""

    settings: Settings
    database: Database
    jobs: JobStore
    intake: Intake
    lifecycle: Lifecycle = field(default_factory=Lifecycle)


@asynccontextmanager
async def running(settings: Settings, lifecycle: Lifecycle) -> AsyncIterator[Services]:
    """Build the parts, run their background tasks, and take everything down in the reverse order."""
    database = Database(settings)
    services = Services(
        settings=settings,
        database=database,
        jobs=JobStore(database, settings.job_max_attempts),
        intake=Intake(database, settings.job_expiry_seconds),
        lifecycle=lifecycle,
    )
    async with background(services.intake.run()):
        yield services
    await database.close()


@asynccontextmanager
async def background(*loops: "asyncio._CoroutineLike[None]") -> AsyncIterator[None]:
    """Run loops as tasks of the block; they are cancelled and awaited at its end."""
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
