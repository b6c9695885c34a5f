"""The worker of blog-ai: has posts written, and the pictures made that were asked for. A post that gets no picture is
complete without.
"""

import hashlib
from typing import Final

import httpx
import structlog
from prometheus_client import Counter

from app.blog_ai.outside import priced
from app.blog_ai.pictures.stability import Stability
from app.blog_ai.pictures.store import PictureStore
from app.blog_ai.posts import with_extras
from app.blog_ai.settings import BlogSettings
from app.database import DatabaseUnavailable
from app.domain import Draft, Extra, Waiting
from app.job import Job
from app.services import Services
from app.worker import Worker
from app.writers.base import CallContext, Deadline, WriterError
from app.writers.calls import Priced
from app.writers.desk import Desk
from app.writers.ledger import Ledger

PICTURES: Final = Counter("pictures", "Pictures that were asked for.", ("outcome",))
_LOG = structlog.get_logger("app.pictures")


class PostWorker(Worker):
    """Takes jobs in one process that has a desk."""

    def __init__(self, services: Services, desk: Desk) -> None:
        super().__init__(services, desk)
        settings = services.settings
        assert isinstance(settings, BlogSettings)
        self._store = PictureStore(services.database)
        self._client = httpx.AsyncClient(timeout=settings.picture_timeout_seconds)
        self._ledger = Ledger(services.database, settings.llm_max_cost_per_day_usd)
        self._maker: Stability | None = None
        if settings.stability_api_key is not None:
            key, seconds = settings.stability_api_key.get_secret_value(), settings.picture_timeout_seconds
            self._maker = Stability(self._client, key, settings.stability_base_url, seconds)
            self._calls: Priced = priced(self._maker.offer, services, settings, self._ledger)

    async def _work(self, job: Job) -> Draft | Waiting | None:
        result = await super()._work(job)
        if not isinstance(result, Draft):
            return result
        try:
            if not await self._store.asked_for(job.id):
                return result
            outcome = await self._illustrated(job)
        except DatabaseUnavailable as error:
            _LOG.warning("post without a picture", error_type="database", error=str(error))
            outcome = "database"
        PICTURES.labels(outcome).inc()
        return with_extras(result, picture=Extra.DONE if outcome == Extra.DONE else Extra.UNAVAILABLE)

    async def _illustrated(self, job: Job) -> str:
        """Make the picture unless an earlier attempt has; `done`, or the reason why there is none."""
        maker = self._maker
        if maker is None:
            return "off"
        context = CallContext(
            # Time for one more call after a failure.
            Deadline.after(2 * self._calls.call_seconds + 1),
            job_id=str(job.id),
            attempt=job.attempt,
            client_id=job.client_id,
        )
        try:
            await self._calls.bought(
                hashlib.sha256(f"picture\n{job.id}".encode()).hexdigest(),
                context,
                lambda: self._made(maker, job),
                lambda: self._store.kept(job.id),
            )
        except WriterError as error:
            _LOG.warning("post without a picture", error_type=error.kind, error=str(error))
            return error.kind
        return Extra.DONE.value

    async def _made(self, maker: Stability, job: Job) -> str:
        return await self._store.keep(job.id, await maker.picture(job.assignment.topic))

    async def _close(self) -> None:
        if self._maker is not None:
            await self._calls.close()
        await self._ledger.close()
        await self._client.aclose()
        await super()._close()
