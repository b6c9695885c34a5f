"""Workers of the queue video_generation: a video is made, stored in the bucket, and named in its job's row."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import Table

from app.attempts import Attempt, TableAttempts
from app.consumer import Attempts, Consumer
from app.core_services import CoreServices
from app.ended import ended
from app.ids import JobId
from app.job import Claim
from app.lists import JobLists
from app.lost_jobs import Tables, sweep_regularly
from app.queue_names import Queue
from app.settings import Settings
from app.supervision import Loop
from app.video.failure import VideoFailed
from app.video.shelf import ShelfUnavailable, VideoShelf
from app.writers.base import WriterError

_LOG = structlog.get_logger("app.worker")


@dataclass(frozen=True)
class Rendered:
    """A video that was stored."""

    key: str
    bytes: int


class ShelfWorker(Consumer[Attempt, Rendered]):
    """Makes videos of the jobs in ``table``, and stores them on the shelf. A product says how one is made."""

    def __init__(
        self, core: CoreServices, settings: Settings, lists: JobLists, shelf: VideoShelf, table: Table, tables: Tables
    ) -> None:
        """``tables`` are those of every queue of the product: jobs that got lost are put back into each."""
        super().__init__(core, settings, Queue.VIDEOS)
        self._shelf = shelf
        self._tables = tables
        self._videos = TableAttempts(self._database, lists, table, settings.job_max_attempts)

    @abstractmethod
    async def _film(self, job: Attempt) -> bytes | None:
        """The video; None when it is not wanted any more. Raises VideoFailed."""

    @property
    def _attempts(self) -> Attempts:
        return self._videos

    def _loops(self) -> Mapping[str, Loop]:
        return {"sweep": lambda: sweep_regularly(self._core, self._settings, self._tables)}

    async def _claim(self, job: JobId) -> tuple[Claim, Attempt | None]:
        return await self._videos.claim(job)

    async def _work(self, job: Attempt) -> Rendered | None:
        key = self._shelf.key(str(job.id), job.attempt)
        try:
            video = await self._film(job)
            if video is None:
                return None
            await self._shelf.keep(key, video)
        except VideoFailed as error:
            raise WriterError(error.kind, str(error)) from error
        except ShelfUnavailable as error:
            raise WriterError("store_unavailable", str(error)) from error
        return Rendered(key, len(video))

    def _values(self, result: Rendered) -> Mapping[str, object]:
        """Columns of a job that has its video."""
        return {"key": result.key, "bytes": result.bytes}

    async def _keep(self, job: Attempt, result: Rendered, seconds: float) -> bool:
        if await self._insist(lambda: self._videos.complete(job.id, job.attempt, self._values(result))):
            ended("video", job, seconds)
            return True
        try:
            await self._shelf.drop([result.key])
        except ShelfUnavailable as error:
            # The daily care finds it (app.video.orphans).
            _LOG.warning("a video of an overtaken attempt stays for now", key=result.key, error=str(error))
        return False
