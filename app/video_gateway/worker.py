"""The consumer of the queue video_generation in the gateway's own process."""

import asyncio
from collections.abc import Mapping
from typing import ClassVar, Final

import structlog

from app.attempts import Attempt
from app.database import DatabaseUnavailable
from app.supervision import ended
from app.video.failure import VideoFailed
from app.video.shelf import VideoShelf
from app.video.worker import Rendered, ShelfWorker
from app.video_gateway.renderer import Order, Renderer
from app.video_gateway.services import GatewayServices
from app.video_gateway.tables import OF_QUEUE, videos

_LOG = structlog.get_logger("app.worker")
NOTE_SECONDS: Final = 1.0
"""Progress is written to the job's row at most so often."""


class GatewayWorker(ShelfWorker):
    """Renders prompts. None is taken before there is room for it: the next one belongs to a process that is free."""

    _ahead: ClassVar[float] = 0.0

    def __init__(self, services: GatewayServices, shelf: VideoShelf, renderer: Renderer) -> None:
        super().__init__(services, services.settings, services.lists, shelf, videos, OF_QUEUE)
        self._renderer = renderer
        self._limit = services.settings.render_seconds

    async def _film(self, job: Attempt) -> bytes | None:
        done = _Done()
        noting = asyncio.create_task(self._note(job, done))
        try:
            async with asyncio.timeout(self._limit):
                order = Order(job.id, job.row.prompt, job.row.seconds)
                return await self._renderer.render(order, done.report)
        except TimeoutError:
            raise VideoFailed("video_slow", f"the rendering took longer than {self._limit:g} s") from None
        finally:
            await ended([noting])

    async def _note(self, job: Attempt, done: "_Done") -> None:
        """Write the progress until cancelled; what cannot be written is written the next time."""
        written = 0
        while True:
            await asyncio.sleep(NOTE_SECONDS)
            if done.percent == written:
                continue
            now = done.percent
            try:
                await self._videos.note(job.id, job.attempt, {"percent": now})
                written = now
            except DatabaseUnavailable as error:
                _LOG.info("progress is not written for now", error=str(error))

    def _values(self, result: Rendered) -> Mapping[str, object]:
        return {**super()._values(result), "percent": 100}

    async def _close(self) -> None:
        await self._renderer.close()


class _Done:
    """The percentage that a renderer reported last."""

    def __init__(self) -> None:
        self.percent = 0

    def report(self, percent: int) -> None:
        self.percent = max(self.percent, min(100, percent))
