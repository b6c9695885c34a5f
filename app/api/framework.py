"""FastAPI as the application of every product begins with it."""

import gc
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from app.api import problems
from app.process_settings import ProcessSettings
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


def settle() -> None:
    """Once a process is built: its parts live as long as it does, so the collector need not look at them again."""
    gc.collect()
    gc.freeze()
