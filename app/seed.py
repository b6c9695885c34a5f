"""`python -m app seed`: made-up clients and jobs for development (S08), the same each time."""

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
    """Number of jobs that were made; none when they were there."""

    model_config = ConfigDict(frozen=True)

    jobs: int


async def seed(settings: Settings) -> Seeded:
    """Jobs of three clients in every final state, all or none in one transaction. Raises SeedRefused."""
    if settings.environment in PRODUCTION_LIKE:
        raise SeedRefused(
            f"ENVIRONMENT is '{settings.environment}': made-up data goes into local and dev only; staging gets an"
            " anonymised copy"
        )
    made = list(product(CLIENTS, TOPICS, STATES))
    async with Database(settings, task=Task.SEED) as database, database.write() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": Lock.SEED})
        there = text("SELECT 1 FROM jobs WHERE client_id = ANY(:clients) LIMIT 1")
        if (await connection.execute(there, {"clients": list(CLIENTS)})).scalar() is not None:
            return Seeded(jobs=0)
        for client, topic, (kind, status) in made:
            await connection.execute(insert(jobs), await _row(settings.region_short, client, topic, kind, status))
    return Seeded(jobs=len(made))


async def _row(region: str, client: str, topic: str, kind: ContentType, status: JobStatus) -> dict[str, object]:
    """A finished job: nothing of it waits in the queue, and no model is called for it."""
    job, assignment = JobId.new(region), Assignment(topic=topic, content_type=kind, priority=Priority.BALANCED)
    writer, done = EmbeddedWriter(), status is JobStatus.COMPLETED
    written = columns_of(await writer.write(assignment, writer.model(assignment))) if done else {}
    error_type, error = FAILURES.get(status, (None, None))
    return {
        "id": str(job),
        **dict.fromkeys(("created_at", "updated_at", "finished_at"), job.created_at),
        "expires_at": job.created_at + timedelta(days=1),
        "client_id": client,
        **assignment.model_dump(mode="json"),
        "status": status,
        "attempt": 1,
        "progress": 100 if done else 0,
        "error_type": error_type,
        "error": error,
        **written,
    }
