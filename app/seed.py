"""`python -m app seed`: made-up clients and jobs for development (S08), the same each time."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import product

from pydantic import BaseModel, ConfigDict
from sqlalchemy import insert, text

from app.database import Database
from app.domain import Assignment, ContentType, JobStatus, Priority
from app.ids import JobId
from app.jobs import columns_of
from app.locks import Lock
from app.process_settings import PRODUCTION_LIKE
from app.settings import Settings
from app.tables import jobs
from app.time_limits import Task
from app.writers.embedded import EmbeddedWriter

CLIENTS = ("seed-bakery", "seed-cyclists", "seed-gardeners")
TOPICS = (
    "How to bake bread with a sourdough starter",
    "Choosing a first touring bicycle",
    "Growing tomatoes on a balcony",
    "Keeping a kitchen garden through the winter",
)
FAILURES = {
    JobStatus.FAILED: ("invalid_output", "the text had no conclusion"),
    JobStatus.EXPIRED: ("expired", "the job was not begun before it expired"),
}
STATES = (
    (ContentType.BLOG, JobStatus.COMPLETED),
    (ContentType.SOCIAL, JobStatus.COMPLETED),
    (ContentType.BLOG, JobStatus.FAILED),
    (ContentType.SOCIAL, JobStatus.EXPIRED),
    (ContentType.BLOG, JobStatus.CANCELLED),
)


class SeedRefused(Exception):
    """Made-up data is for development only."""


class Seeded(BaseModel):
    """How many jobs were made; none when they were there."""

    model_config = ConfigDict(frozen=True)

    jobs: int


async def seed(settings: Settings) -> Seeded:
    """Jobs of three clients in every final state, all or none in one transaction. Raises SeedRefused."""
    if settings.environment in PRODUCTION_LIKE:
        raise SeedRefused(
            f"ENVIRONMENT is '{settings.environment}': made-up data goes into local and dev only; staging gets an"
            " anonymised copy"
        )
    rows = [row async for row in _rows(settings.region_short)]
    database = Database(settings, task=Task.SEED)
    try:
        async with database.write() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": Lock.SEED})
            there = await connection.execute(
                text("SELECT 1 FROM jobs WHERE client_id = ANY(:clients) LIMIT 1"), {"clients": list(CLIENTS)}
            )
            if there.scalar() is not None:
                return Seeded(jobs=0)
            await connection.execute(insert(jobs), rows)
            return Seeded(jobs=len(rows))
    finally:
        await database.close()


async def _rows(region: str) -> AsyncIterator[dict[str, object]]:
    """Finished jobs only: nothing of it waits in the queue, and no model is called for it."""
    for client, topic, (kind, status) in product(CLIENTS, TOPICS, STATES):
        assignment = Assignment(topic=topic, content_type=kind, priority=Priority.BALANCED)
        yield {**_job(JobId.new(region), client, assignment, status), **await _outcome(assignment, status)}


def _job(job: JobId, client: str, assignment: Assignment, status: JobStatus) -> dict[str, object]:
    return {
        "id": str(job),
        "created_at": job.created_at,
        "updated_at": job.created_at,
        "finished_at": job.created_at,
        "expires_at": job.created_at + timedelta(days=1),
        "client_id": client,
        "topic": assignment.topic,
        "content_type": assignment.content_type,
        "keywords": list(assignment.keywords),
        "priority": assignment.priority,
        "status": status,
        "attempt": 1,
        "progress": 100 if status is JobStatus.COMPLETED else 0,
    }


async def _outcome(assignment: Assignment, status: JobStatus) -> dict[str, object]:
    """What the job came to, in every column, because all rows go in one statement."""
    error_type, error = FAILURES.get(status, (None, None))
    nothing = {"content": None, "provider": None, "model": None, "input_tokens": 0, "output_tokens": 0, "cost_usd": 0}
    told = {"error_type": error_type, "error": error}
    if status is not JobStatus.COMPLETED:
        return {**nothing, **told}
    writer = EmbeddedWriter()
    draft = await writer.write(assignment, writer.model(assignment))
    return {**told, **columns_of(draft)}
