"""Parts of one process of content generation, built once at its start and handed to the parts that need them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import Table

from app.core_services import CoreServices, build_core, run_core
from app.domain import GenerationRequest
from app.intake import Intake
from app.jobs import JobStore
from app.lifecycle import Lifecycle
from app.lists import JobLists
from app.progress import Progress
from app.regions import Regions
from app.schema import Schema
from app.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Services(CoreServices):
    """The parts a request handler of content generation may use."""

    settings: Settings
    jobs: JobStore
    lists: JobLists
    intake: Intake
    regions: Regions
    progress: Progress
    asks: type[GenerationRequest] = GenerationRequest
    """Kind of request that POST /generate takes."""
    owned: tuple[Table, ...] = ()
    """Tables of a product beside content generation's, whose rows belong to a ``client_id`` (X03)."""


def build(
    settings: Settings, lifecycle: Lifecycle, schema: Schema | None = None, owned: tuple[Table, ...] = ()
) -> Services:
    """Put the parts together; nothing runs and nothing is connected yet. The schema is content generation's unless
    another one is given, with the tables that a product adds and whose rows belong to a client.
    """
    core = build_core(settings, lifecycle, schema or Schema(), settings.payments)
    lists = JobLists(core.cache, core.redis)
    return Services(
        **vars(core),
        jobs=JobStore(core.database, lists, settings.job_max_attempts),
        lists=lists,
        intake=Intake(core.database, lists, settings.job_expiry_seconds),
        regions=Regions(settings, core.http, core.sessions),
        progress=Progress(),
        owned=owned,
    )


@asynccontextmanager
async def running(
    settings: Settings, lifecycle: Lifecycle, schema: Schema | None = None, owned: tuple[Table, ...] = ()
) -> AsyncIterator[Services]:
    """Build the parts, run their background tasks, and take everything down in the reverse order."""
    services = build(settings, lifecycle, schema, owned)
    loops = {"lists": services.lists.follow}
    async with run_core(services, loops):
        yield services
