"""Parts of one process of recipe-app's API or of one of its workers."""

from dataclasses import dataclass

from app.core_services import CoreServices, build_core
from app.lifecycle import Lifecycle
from app.lists import JobLists
from app.recipe_app.history import HISTORY
from app.recipe_app.intake import RecipeIntake
from app.recipe_app.settings import RecipeSettings
from app.recipe_app.store import RecipeStore
from app.schema import Schema
from app.video.shelf import VideoShelf, shelf_of


@dataclass(frozen=True, kw_only=True)
class RecipeServices(CoreServices):
    """The parts a request handler or worker of recipe-app may use; ``shelf`` is missing where no bucket is named."""

    settings: RecipeSettings
    lists: JobLists
    recipes: RecipeStore
    intake: RecipeIntake
    shelf: VideoShelf | None


def build(settings: RecipeSettings, lifecycle: Lifecycle) -> RecipeServices:
    """Put the parts together; nothing runs and nothing is connected yet."""
    core = build_core(settings, lifecycle, Schema(HISTORY.parts()))
    lists = JobLists(core.cache, core.redis)
    life, limit = settings.job_expiry_seconds, settings.queue_limit
    return RecipeServices(
        **vars(core),
        lists=lists,
        recipes=RecipeStore(core.database, lists, life, limit, settings.video_days),
        intake=RecipeIntake(core.database, lists, life, limit),
        shelf=shelf_of(settings),
    )
