"""The back end of workflow-dashboard as an ASGI application, from the platform's parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from app.api import detailed_health, document, health
from app.api.framework import answer_callers, application, settle
from app.core_services import run_core
from app.lifecycle import Lifecycle
from app.process_settings import load
from app.service_settings import ServiceSettings
from app.supervision import Loop
from app.telemetry import logs
from app.telemetry.region_figures import RegionFigures, keep_figures
from app.telemetry.reporting import report_errors
from app.workflow_dashboard import api
from app.workflow_dashboard.models import NewWorkflow
from app.workflow_dashboard.services import build
from app.workflow_dashboard.settings import DashboardSettings

METHODS: Final = ("GET", "POST", "PATCH", "DELETE")
ROUTERS: Final = (api.direct, api.router, detailed_health.router, health.router)


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
            settle()
            yield

    app = application("Workflow dashboard", settings, lifespan)
    document.complete(app, keys_required=settings.keys_required, schemas=(NewWorkflow,))
    answer_callers(app, settings, ROUTERS, METHODS)
    return app


def from_environment(lifecycle: Lifecycle) -> FastAPI:
    """Entry point of a server process: settings and logs first."""
    settings = load(DashboardSettings)
    redactor = logs.configure(settings)
    report_errors(settings, redactor.text)
    return create(settings, lifecycle)
