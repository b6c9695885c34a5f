"""The API and the workers of recipe-app as ASGI applications, from the platform's parts."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from fastapi import FastAPI

from app.api import detailed_health, document, health
from app.api.framework import answer_callers, application, settle
from app.core_services import run_core
from app.lifecycle import Lifecycle
from app.middleware.admission import share
from app.middleware.edge import protect
from app.process_settings import load
from app.queue_figures import QueueFigures
from app.queue_names import Queue
from app.recipe_app import admin, api, files, sign_in
from app.recipe_app.models import NewRecipe
from app.recipe_app.services import RecipeServices, build
from app.recipe_app.settings import RecipeSettings, text_settings, video_settings
from app.supervision import Loop
from app.telemetry import logs
from app.telemetry.region_figures import keep_figures
from app.telemetry.reporting import report_errors

METHODS: Final = ("GET", "POST", "DELETE")
ROUTERS: Final = (
    api.direct,
    api.router,
    files.router,
    detailed_health.router,
    health.router,
    admin.router,
    sign_in.router,
)
_TITLES: Final[Mapping[Queue | None, str]] = {
    None: "Recipes",
    Queue.TEXTS: "Writer of recipes",
    Queue.VIDEOS: "Renderer of videos",
}


def create(settings: RecipeSettings, queue: Queue | None = None, lifecycle: Lifecycle | None = None) -> FastAPI:
    """The API, or the worker of a queue. `lifecycle` is the server's, which sets `draining` on SIGTERM."""
    cycle = lifecycle or Lifecycle()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = build(settings, cycle)
        figures = QueueFigures(services)
        loops: dict[str, Loop] = {
            "lists": services.lists.follow,
            "figures": lambda: keep_figures(services, figures),
        }
        async with run_core(services, loops):
            app.state.services = services
            settle()
            if queue is None:
                yield
            else:
                async with working(services, queue):
                    yield

    app = application(_TITLES[queue], settings, lifespan)
    document.complete(app, keys_required=settings.keys_required, schemas=(NewRecipe,) if queue is None else ())
    if queue is None:
        answer_callers(app, settings, ROUTERS, METHODS)
    else:
        app.include_router(health.router)
        share(app, settings, METHODS)
        protect(app, settings, app.routes)
    return app


def working(services: RecipeServices, queue: Queue) -> AbstractAsyncContextManager[None]:
    """Take the jobs of a queue for the block. Each worker imports what it needs alone: the providers' SDKs, or ffmpeg
    and Pillow.
    """
    if queue is Queue.VIDEOS:
        assert services.shelf is not None, "video_settings refuses a process without a bucket"
        from app.recipe_app.video_worker import VideoWorker

        return VideoWorker(services, services.shelf).working()
    from app.recipe_app.recipe_worker import writing

    return writing(services)


def from_environment(lifecycle: Lifecycle) -> FastAPI:
    """Entry point of the API's processes: settings and logs first."""
    return _made(load(RecipeSettings), None, lifecycle)


def text_worker(lifecycle: Lifecycle) -> FastAPI:
    """Entry point of the worker that writes recipes."""
    return _made(text_settings(), Queue.TEXTS, lifecycle)


def video_worker(lifecycle: Lifecycle) -> FastAPI:
    """Entry point of the worker that renders videos."""
    return _made(video_settings(), Queue.VIDEOS, lifecycle)


def _made(settings: RecipeSettings, queue: Queue | None, lifecycle: Lifecycle) -> FastAPI:
    redactor = logs.configure(settings)
    report_errors(settings, redactor.text)
    return create(settings, queue, lifecycle)
