"""The worker of the queue video_generation: renders recipes that are ready, and stores their videos in the bucket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from app.consumer import Attempts, Consumer
from app.ids import JobId
from app.job import Claim
from app.queue_names import Queue
from app.recipe_app.attempts import Attempt, TableAttempts
from app.recipe_app.ended import ended
from app.recipe_app.models import Recipe
from app.recipe_app.services import RecipeServices
from app.recipe_app.sweeper import sweep_regularly
from app.recipe_app.tables import recipes, videos
from app.supervision import Loop
from app.video.render import VideoFailed, render
from app.video.shelf import ShelfUnavailable, VideoShelf
from app.writers.base import WriterError

_LOG = structlog.get_logger("app.worker")


@dataclass(frozen=True)
class Rendered:
    """A video that was stored."""

    key: str
    bytes: int


class VideoWorker(Consumer[Attempt, Rendered]):
    """Renders videos of recipes that are ready, and stores them in the bucket."""

    def __init__(self, services: RecipeServices, shelf: VideoShelf) -> None:
        super().__init__(services, services.settings, Queue.VIDEOS)
        self._services = services
        self._shelf = shelf
        self._videos = TableAttempts(self._database, services.lists, videos, services.settings.job_max_attempts)

    @property
    def _attempts(self) -> Attempts:
        return self._videos

    def _loops(self) -> Mapping[str, Loop]:
        return {"sweep": lambda: sweep_regularly(self._services)}

    async def _claim(self, job: JobId) -> tuple[Claim, Attempt | None]:
        return await self._videos.claim(job)

    async def _work(self, job: Attempt) -> Rendered | None:
        statement = recipes.select().where(recipes.c.id == str(job.id), recipes.c.recipe.is_not(None))
        found = await self._database.rows(statement, fresh=True)
        if not found:
            # Deleted or archived since: its video goes with it.
            return None
        recipe = Recipe.model_validate(found[0].recipe)
        key = self._shelf.key(str(job.id), job.attempt)
        try:
            video = await render(recipe.title, lines_of(recipe))
            await self._shelf.keep(key, video)
        except VideoFailed as error:
            raise WriterError(error.kind, str(error)) from error
        except ShelfUnavailable as error:
            raise WriterError("store_unavailable", str(error)) from error
        return Rendered(key, len(video))

    async def _keep(self, job: Attempt, result: Rendered, seconds: float) -> bool:
        values = {"key": result.key, "bytes": result.bytes}
        if await self._insist(lambda: self._videos.complete(job.id, job.attempt, values)):
            ended("video", job, seconds)
            return True
        try:
            await self._shelf.drop([result.key])
        except ShelfUnavailable as error:
            # The daily care finds it (app.recipe_app.upkeep).
            _LOG.warning("a video of an overtaken attempt stays for now", key=result.key, error=str(error))
        return False


def lines_of(recipe: Recipe) -> Sequence[str]:
    """The text of a recipe's video: amounts, then numbered steps."""
    amounts = (f"{one.amount}  {one.name}" for one in recipe.ingredients)
    steps = (f"{number}. {step}" for number, step in enumerate(recipe.steps, 1))
    return (*amounts, *steps, f"{recipe.minutes} minutes")
