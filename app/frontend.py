"""A front end: a page and its files, by a process without secrets, without a database (A03, K01)."""

import httpx
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

    inside = _client(shown)

    @app.get("/ready")
    async def ready() -> Response:
        """Readiness for traffic: GET / is 200 (A03), and the process is not draining. It is asked inside, because a
        kubelet calls by address and without TLS, which the page itself is not shown to.
        """
        if lifecycle.draining:
            return JSONResponse({"status": "draining"}, 503)
        answer = await inside.get("/")
        if answer.status_code != httpx.codes.OK:
            return JSONResponse({"status": "no page"}, 503)
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


def _client(shown: APIRouter) -> httpx.AsyncClient:
    """Client of the page alone, in this process."""
    alone = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    alone.include_router(shown)
    transport = httpx.ASGITransport(app=alone, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://front-end")


def from_environment(
    lifecycle: Lifecycle, kind: type[ProcessSettings] = ProcessSettings, shown: APIRouter = page.router
) -> FastAPI:
    """Entry point of a server process: settings and logs first."""
    settings = load(kind)
    report_errors(settings, logs.configure(settings).text)
    return create(settings, lifecycle, shown)
