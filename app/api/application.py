"""The ASGI applications, one a role, from the same parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

from fastapi import FastAPI

from app.api import generate, health, problems, write
from app.middleware.address import ClientAddress
from app.middleware.guard import Guard
from app.middleware.headers import SecurityHeaders
from app.middleware.observe import Observe
from app.services import Lifecycle, background, running
from app.settings import Settings, load_settings
from app.telemetry import logs
from app.telemetry.figures import keep_figures
from app.worker import Worker
from app.writers.embedded import EmbeddedWriter


class Role(StrEnum):
    """What a process does: cpm takes requests, im writes, workers connect the two."""

    CPM = "cpm"
    IM = "im"
    WORKER = "worker"


def create(settings: Settings, role: Role, lifecycle: Lifecycle | None = None) -> FastAPI:
    """The application of one role. `lifecycle` is the server's, which sets `draining` on SIGTERM."""
    cycle = lifecycle or Lifecycle()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, cycle) as services:
            app.state.services = services
            app.state.writer = EmbeddedWriter()
            async with background(keep_figures(services)):
                if role is Role.WORKER:
                    async with Worker(services).working():
                        yield
                else:
                    yield

    app = FastAPI(
        title="Content generation",
        version=settings.version,
        lifespan=lifespan,
        docs_url=None if settings.closed else "/docs",
        redoc_url=None if settings.closed else "/redoc",
        openapi_url=None if settings.closed else "/openapi.json",
    )
    problems.install(app)
    app.include_router(health.router)
    if role is Role.CPM:
        app.include_router(generate.router)
    if role is Role.IM:
        app.include_router(write.router)
    # Added last means outermost.
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Observe, settings=settings)
    app.add_middleware(ClientAddress, trusted=settings.trusted_proxies)
    app.add_middleware(SecurityHeaders, headers=settings.response_headers)
    return app


def from_environment(role: Role, lifecycle: Lifecycle) -> FastAPI:
    """What a server process calls: settings and logs first."""
    settings = load_settings()
    logs.configure(settings)
    return create(settings, role, lifecycle)
