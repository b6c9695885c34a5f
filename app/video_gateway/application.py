"""The gateway as an ASGI application, from the platform's parts: it takes requests and renders in one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from app.api import detailed_health, document, health
from app.api.framework import answer_callers, application, settle
from app.core_services import run_core
from app.lifecycle import Lifecycle
from app.queue_figures import QueueFigures
from app.supervision import Loop
from app.telemetry import logs
from app.telemetry.region_figures import keep_figures
from app.telemetry.reporting import report_errors
from app.video_gateway import api
from app.video_gateway.models import NewVideo
from app.video_gateway.renderer import Renderer
from app.video_gateway.services import build
from app.video_gateway.settings import GatewaySettings, serving_settings
from app.video_gateway.tables import OF_QUEUE
from app.video_gateway.worker import GatewayWorker
from app.video_gateway.workflow import default_graph, parsed

METHODS: Final = ("GET", "POST", "DELETE")
ROUTERS: Final = (api.direct, api.router, api.file_router, detailed_health.router, health.router)


def create(settings: GatewaySettings, lifecycle: Lifecycle | None = None, renderer: Renderer | None = None) -> FastAPI:
    """API and consumer. `lifecycle` is the server's, which sets `draining` on SIGTERM; the renderer is by the settings
    unless another one is given.
    """
    cycle = lifecycle or Lifecycle()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = build(settings, cycle)
        figures = QueueFigures(services, tuple(OF_QUEUE))
        loops: dict[str, Loop] = {
            "lists": services.lists.follow,
            "figures": lambda: keep_figures(services, figures),
        }
        async with run_core(services, loops):
            app.state.services = services
            settle()
            async with GatewayWorker(services, services.shelf, renderer or renderer_of(settings)).working():
                yield

    app = application("Videos", settings, lifespan)
    document.complete(app, keys_required=settings.keys_required, schemas=(NewVideo,))
    answer_callers(app, settings, ROUTERS, METHODS)
    return app


def renderer_of(settings: GatewaySettings) -> Renderer:
    """ComfyUI where one is named, else the embedded renderer. Each is imported when it is needed."""
    if settings.comfyui_url is None:
        from app.video_gateway.embedded import EmbeddedRenderer

        return EmbeddedRenderer()
    from app.video_gateway.comfyui import ComfyRenderer

    graph = parsed(settings.comfyui_workflow) if settings.comfyui_workflow else default_graph()
    return ComfyRenderer(str(settings.comfyui_url), graph)


def from_environment(lifecycle: Lifecycle) -> FastAPI:
    """Entry point of a server process: settings and logs first."""
    settings = serving_settings()
    redactor = logs.configure(settings)
    report_errors(settings, redactor.text)
    return create(settings, lifecycle)
