"""Requests for posts with a picture: accepted and deleted together with their jobs."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app import domain
from app.blog_ai.tables import pictures
from app.ids import JobId
from app.intake import Intake, Submission
from app.jobs import JobStore
from app.services import Services


class GenerationRequest(domain.GenerationRequest):
    """The body of blog-ai's POST /generate, which has the same name in the document of the API."""

    picture: bool = Field(
        default=False,
        # Left out of the hash that tells a repeated request: keys of the release before go on.
        exclude_if=lambda value: not value,
        description="Make a header picture too, where GET /pictures says that they are made.",
    )


class PostIntake(Intake):
    """Accepts jobs, and with them the pictures that are asked for."""

    async def _insert(self, connection: AsyncConnection, batch: Sequence[Submission]) -> None:
        await super()._insert(connection, batch)
        asked = [
            {"job_id": str(one.job), "client_id": one.request.client_id, "created_at": one.job.created_at}
            for one in batch
            if isinstance(one.request, GenerationRequest) and one.request.picture
        ]
        if asked:
            await connection.execute(insert(pictures), asked)


class PostJobs(JobStore):
    """Jobs, and with them their pictures."""

    async def delete(self, job: JobId, owner: str) -> bool:
        """Delete a job with its text and its picture; what breaks off between the two can no longer be seen."""
        deleted = await super().delete(job, owner)
        if deleted:
            async with self.database.write() as connection:
                await connection.execute(delete(pictures).where(pictures.c.job_id == str(job)))
        return deleted


def with_pictures(services: Services) -> Services:
    """The parts of a process, with those in place that know pictures."""
    settings, database, lists = services.settings, services.database, services.lists
    return replace(
        services,
        asks=GenerationRequest,
        intake=PostIntake(database, lists, settings.job_expiry_seconds),
        jobs=PostJobs(database, lists, settings.job_max_attempts),
    )
