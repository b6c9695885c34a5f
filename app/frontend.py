"""A front end: a page and its files, by a process without secrets, without a database (A03, K01)."""

from fastapi import APIRouter, FastAPI
from starlette.responses import JSONResponse, Response

from app.api import page, problems
from app.lifecycle import Lifecycle
from app.middleware.edge import protect
from app.process_settings import ProcessSettings, load
from app.telemetry import logs
from app.telemetry.metrics import EXPOSITION_TYPE, ProcessFigures, exposition
from app.telemetry.reporting import report_errors


def create(
    settings: ProcessSettings, lifecycle: Lifecycle, shown: APIRouter = page.router, *, measured: bool = True
) -> FastAPI:
    """A page at /, its files below /static/, and what a cluster asks of a process; content generation's page unless
    another one is given. Figures only where the process has no other port that shows them.
    """
    app = FastAPI(title="Front end", version=settings.version, docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/health")
    async def health() -> Response:
        """The process runs."""
        return JSONResponse({"status": "healthy"})

    @app.get("/ready")
    async def ready() -> Response:
        """Readiness for traffic: not while draining. There is nothing else that could be missing."""
        if lifecycle.draining:
            return JSONResponse({"status": "draining"}, 503)
        return JSONResponse({"status": "ready"})

    if measured:
        figures = ProcessFigures()

        @app.get("/metrics")
        async def metrics() -> Response:
            """Prometheus' text format."""
            figures.update()
            return Response(exposition(), media_type=EXPOSITION_TYPE)

    app.include_router(shown)
    problems.install(app)
    protect(app, settings, app.routes)
    return app


def from_environment(
    lifecycle: Lifecycle, kind: type[ProcessSettings] = ProcessSettings, shown: APIRouter = page.router
) -> FastAPI:
    """Entry point of a server process: settings and logs first."""
    settings = load(kind)
    report_errors(settings, logs.configure(settings).text)
    return create(settings, lifecycle, shown)
