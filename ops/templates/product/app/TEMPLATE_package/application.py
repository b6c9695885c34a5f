"""TEMPLATE_name as an ASGI application, from the platform's parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from app.api import detailed_health, document, health
from app.api.framework import answer_callers, application, settle
from app.core_services import build_core, run_core
from app.lifecycle import Lifecycle
from app.page_files import Page, page_router
from app.process_settings import load
from app.schema import Schema
from app.supervision import Loop
from app.telemetry import logs
from app.telemetry.region_figures import RegionFigures, keep_figures
from app.telemetry.reporting import report_errors

from . import api
from .history import HISTORY
from .settings import Settings
from .store import ItemStore

PAGE: Final = Page((str(__package__), "app"), ("page.css", "icon.svg"))
METHODS: Final = ("GET", "POST", "DELETE")
ROUTERS: Final = (api.router, detailed_health.router, health.router)


def create(settings: Settings, lifecycle: Lifecycle | None = None) -> FastAPI:
    """The application. `lifecycle` is the server's, which sets `draining` on SIGTERM."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        core = build_core(settings, lifecycle or Lifecycle(), Schema(HISTORY.parts()))
        figures = RegionFigures(core)
        loops: dict[str, Loop] = {"figures": lambda: keep_figures(core, figures)}
        async with run_core(core, loops):
            items = ItemStore(core.database, settings.item_rows)
            app.state.services = api.ItemServices(**vars(core), items=items)
            settle()
            yield

    app = application("TEMPLATE_title", settings, lifespan)
    document.complete(app, keys_required=settings.keys_required)
    answer_callers(app, settings, (*ROUTERS, page_router(PAGE)), METHODS)
    return app


def from_environment(lifecycle: Lifecycle) -> FastAPI:
    """Entry point of a server process: settings and logs first."""
    settings = load(Settings)
    redactor = logs.configure(settings)
    report_errors(settings, redactor.text)
    return create(settings, lifecycle)
