"""The back end of workflow-dashboard as an ASGI application, from the platform's parts."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from app.api import detailed_health, docs, document, health, problems, sessions
from app.core_services import run_core
from app.lifecycle import Lifecycle
from app.middleware.admission import admit, share
from app.middleware.edge import protect
from app.process_settings import load
from app.service_settings import ServiceSettings
from app.supervision import Loop
from app.telemetry import logs
from app.telemetry.region_figures import RegionFigures, keep_figures
from app.telemetry.reporting import report_errors, tracer_provider
from app.workflow_dashboard import api
from app.workflow_dashboard.services import build
from app.workflow_dashboard.settings import DashboardSettings

METHODS: Final = ("GET", "POST", "PATCH", "DELETE")


def create(settings: ServiceSettings, lifecycle: Lifecycle | None = None) -> FastAPI:
    """The application. `lifecycle` is the server's, which sets `draining` on SIGTERM."""
    cycle = lifecycle or Lifecycle()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = build(settings, cycle)
        figures = RegionFigures(services)
        loops: dict[str, Loop] = {
            "lists": services.listed.follow,
            "figures": lambda: keep_figures(services, figures),
        }
        async with run_core(services, loops):
            app.state.services = services
            # What the process was built from lives as long as it; the collector need not look at it again.
            gc.collect()
            gc.freeze()
            yield

    traces = tracer_provider(settings)
    app = FastAPI(
        title="Workflow dashboard",
        version=settings.version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None if settings.closed else "/openapi.json",
        # Figures and logs are our own; the framework's spans only where there is a collector.
        telemetry={"tracing": traces is not None, "tracer_provider": traces, "metrics": False, "logs": False},
    )
    problems.install(app)
    document.complete(app, keys_required=settings.keys_required)
    for router in (api.router, detailed_health.router, health.router):
        app.include_router(router)
    # Below /api/, because on the page's host nothing else leads here.
    app.include_router(sessions.router, prefix="/api")
    if not settings.closed:
        app.include_router(docs.router)
    admit(app)
    share(app, settings, METHODS)
    protect(app, settings, app.routes)
    return app


def from_environment(lifecycle: Lifecycle) -> FastAPI:
    """Entry point of a server process: settings and logs first."""
    settings = load(DashboardSettings)
    redactor = logs.configure(settings)
    report_errors(settings, redactor.text)
    return create(settings, lifecycle)
