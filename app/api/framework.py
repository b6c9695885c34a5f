"""FastAPI as the application of every product begins with it."""

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI

from app.api import docs, problems, sessions
from app.middleware.admission import admit, share
from app.middleware.asked import note_requests
from app.middleware.edge import protect
from app.process_settings import ProcessSettings
from app.service_settings import ServiceSettings
from app.telemetry.reporting import tracer_provider


def application(
    title: str, settings: ProcessSettings, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]
) -> FastAPI:
    """An application without routes, whose every error is a problem document, and whose own is closed in production."""
    traces = tracer_provider(settings)
    app = FastAPI(
        title=title,
        version=settings.version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None if settings.closed else "/openapi.json",
        # Figures and logs are our own; the framework's spans only where there is a collector.
        telemetry={"tracing": traces is not None, "tracer_provider": traces, "metrics": False, "logs": False},
    )
    problems.install(app)
    return app


def answer_callers(
    app: FastAPI, settings: ServiceSettings, routers: Sequence[APIRouter], methods: Sequence[str]
) -> None:
    """The routes of a product's API, with sign-in and, where it is open, its documents; callers are recognised and
    counted, and every answer passes the outer layers.
    """
    for router in routers:
        app.include_router(router)
    # Below /api/, because on the page's host nothing else leads here.
    app.include_router(sessions.router, prefix="/api")
    if not settings.closed:
        app.include_router(docs.router)
    note_requests(app, settings, callers=True)
    admit(app)
    share(app, settings, methods)
    protect(app, settings, app.routes)


def settle() -> None:
    """Once a process is built: its parts live as long as it does, so the collector need not look at them again."""
    gc.collect()
    gc.freeze()
