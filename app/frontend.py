"""The front end: the page and its files, by a process without secrets, without a database (A03, K01)."""

from fastapi import FastAPI
from starlette.responses import JSONResponse, Response

from app.api import page, problems
from app.lifecycle import Lifecycle
from app.middleware.address import ClientAddress
from app.middleware.guard import Guard
from app.middleware.headers import SecurityHeaders
from app.middleware.observe import Observe
from app.process_settings import ProcessSettings, load
from app.telemetry import logs
from app.telemetry.metrics import EXPOSITION_TYPE, ProcessFigures, exposition
from app.telemetry.reporting import report_errors


def create(settings: ProcessSettings, lifecycle: Lifecycle) -> FastAPI:
    """The page at /, its files below /static/, and what a cluster asks of a process."""
    app = FastAPI(title="Content generation", version=settings.version, docs_url=None, redoc_url=None, openapi_url=None)
    figures = ProcessFigures()

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

    @app.get("/metrics")
    async def metrics() -> Response:
        """Prometheus' text format."""
        figures.update()
        return Response(exposition(), media_type=EXPOSITION_TYPE)

    app.include_router(page.router)
    problems.install(app)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Observe, settings=settings, routes=app.routes)
    app.add_middleware(ClientAddress, trusted=settings.trusted_proxies, hops=settings.proxy_hops)
    app.add_middleware(SecurityHeaders, headers=settings.response_headers)
    return app


def from_environment(lifecycle: Lifecycle) -> FastAPI:
    """Entry point of a server process: settings and logs first."""
    settings = load(ProcessSettings)
    report_errors(settings, logs.configure(settings).text)
    return create(settings, lifecycle)
