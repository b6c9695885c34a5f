"""The worker of the queue ai_generation: writes recipes by the writers of its own process (D01, E07)."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from app.attempts import Attempt, TableAttempts
from app.consumer import Attempts, Consumer
from app.ended import ended
from app.ids import JobId
from app.job import Claim
from app.lost_jobs import sweep_regularly
from app.queue_names import Queue
from app.recipe_app.form import RECIPE
from app.recipe_app.models import NewRecipe, RecipeDraft
from app.recipe_app.services import RecipeServices
from app.recipe_app.tables import OF_QUEUE, recipes
from app.supervision import Loop
from app.writers.base import CallContext, Deadline
from app.writers.desk import providers_of
from app.writers.flights import Flights
from app.writers.ledger import Ledger
from app.writers.texts import TextCache


class RecipeWorker(Consumer[Attempt, RecipeDraft]):
    """Writes recipes by the writers of this process (D01, E07)."""

    def __init__(self, services: RecipeServices, writers: Flights[NewRecipe, RecipeDraft]) -> None:
        super().__init__(services, services.settings, Queue.TEXTS)
        self._services = services
        self._writers = writers
        self._recipes = TableAttempts(self._database, services.lists, recipes, services.settings.job_max_attempts)

    @property
    def _attempts(self) -> Attempts:
        return self._recipes

    def _loops(self) -> Mapping[str, Loop]:
        return {"sweep": lambda: sweep_regularly(self._services, self._settings, OF_QUEUE)}

    async def _claim(self, job: JobId) -> tuple[Claim, Attempt | None]:
        return await self._recipes.claim(job)

    async def _work(self, job: Attempt) -> RecipeDraft | None:
        row = job.row
        given = {"ingredients": row.wanted, "servings": row.servings, "diet": row.diet, "complexity": row.complexity}
        asked = NewRecipe.model_validate(given)
        context = CallContext(
            deadline=Deadline.after(self._settings.llm_deadline_seconds),
            job_id=str(job.id),
            attempt=job.attempt,
            client_id=job.owner,
        )
        return await self._writers.write(asked, context)

    async def _keep(self, job: Attempt, result: RecipeDraft, seconds: float) -> bool:
        values = {
            "recipe": result.recipe.model_dump(mode="json"),
            **result.model_dump(include={"provider", "model", "cached"}),
            **result.usage.model_dump(),
        }
        if not await self._insist(lambda: self._recipes.complete(job.id, job.attempt, values)):
            return False
        ended("recipe", job, seconds)
        return True


@asynccontextmanager
async def writing(services: RecipeServices) -> AsyncIterator[None]:
    """Write the recipes of the queue for the block. Raises ConfigurationError for an SDK that is missing."""
    settings = services.settings
    texts = TextCache(services.cache, settings.llm_cache_seconds, RecipeDraft)
    ledger = Ledger(services.database, settings.llm_max_cost_per_day_usd)
    writers = Flights(providers_of(RECIPE, services, settings, ledger, texts), texts, ledger)
    try:
        async with RecipeWorker(services, writers).working():
            yield
    finally:
        await writers.close()
