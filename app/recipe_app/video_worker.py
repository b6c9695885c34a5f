"""The worker of the queue video_generation: renders recipes that are ready, and stores their videos in the bucket."""

from collections.abc import Sequence

from app.attempts import Attempt
from app.recipe_app.models import Recipe
from app.recipe_app.services import RecipeServices
from app.recipe_app.tables import OF_QUEUE, recipes, videos
from app.video.render import render
from app.video.shelf import VideoShelf
from app.video.worker import ShelfWorker


class VideoWorker(ShelfWorker):
    """Renders videos of recipes that are ready."""

    def __init__(self, services: RecipeServices, shelf: VideoShelf) -> None:
        super().__init__(services, services.settings, services.lists, shelf, videos, OF_QUEUE)

    async def _film(self, job: Attempt) -> bytes | None:
        statement = recipes.select().where(recipes.c.id == str(job.id), recipes.c.recipe.is_not(None))
        found = await self._database.rows(statement, fresh=True)
        if not found:
            # Deleted or archived since: its video goes with it.
            return None
        recipe = Recipe.as_stored(found[0].recipe)
        return await render(recipe.title, lines_of(recipe))


def lines_of(recipe: Recipe) -> Sequence[str]:
    """The text of a recipe's video: amounts, then numbered steps."""
    amounts = (f"{one.amount}  {one.name}" for one in recipe.ingredients)
    steps = (f"{number}. {step}" for number, step in enumerate(recipe.steps, 1))
    return (*amounts, *steps, f"{recipe.minutes} minutes")
