"""The ASGI applications, one a role, from the same parts."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from enum import StrEnum

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from app.access.replication import Replication
from app.api import (
    admin,
    content_health,
    debug,
    docs,
    document,
    generate,
    health,
    internal,
    jobs,
    live,
    page,
    privacy,
    problems,
    sessions,
    webhooks,
    write,
)
from app.domain import GenerationRequest
from app.lifecycle import Lifecycle
from app.middleware.admission import admit, share
from app.middleware.edge import protect
from app.services import Services, running
from app.settings import Settings, load_settings
from app.supervision import Loop
from app.telemetry import logs
from app.telemetry.figures import ContentFigures
from app.telemetry.region_figures import keep_figures
from app.telemetry.reporting import report_errors, tracer_provider
from app.worker import Worker
from app.writers.desk import desk


class Role(StrEnum):
    """Role of a process: cpm takes requests, im writes, workers connect the two."""

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
            # Who writes is given keys, and it alone pays for the providers' SDKs in memory.
            writes = role is Role.IM or (role is Role.WORKER and settings.writes_itself)
            at_the_desk = desk(services) if writes else nullcontext()
            background = services.supervisor.background(**_loops(services, role))
            async with at_the_desk as app.state.desk, background:
                # What the process was built from lives as long as it; the collector need not look at it again.
                gc.collect()
                gc.freeze()
                if role is Role.WORKER:
                    async with Worker(services, app.state.desk).working():
                        yield
                else:
                    yield

    traces = tracer_provider(settings)
    app = FastAPI(
        title="Content generation",
        version=settings.version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None if settings.closed else "/openapi.json",
        # Figures and logs are our own; the framework's spans only where there is a collector.
        telemetry={"tracing": traces is not None, "tracer_provider": traces, "metrics": False, "logs": False},
    )
    problems.install(app)
    document.complete(app, keys_required=settings.keys_required, schemas=(GenerationRequest,))
    routers = ROUTERS[role] if settings.closed else (*ROUTERS[role], debug.router, docs.router)
    for router in routers:
        app.include_router(router)
    wrap(app, settings, role, [route for router in routers for route in router.routes])
    return app


METHODS = ("GET", "POST", "DELETE")
ROUTERS = {
    # The framework looks for a route from the first to the last, so the busy ones stand first. The page is here too for
    # whoever runs cpm alone; a deployment's front end shows it from a process of its own.
    Role.CPM: (
        generate.router,
        jobs.router,
        health.router,
        content_health.router,
        sessions.router,
        privacy.router,
        internal.router,
        admin.router,
        webhooks.router,
        live.router,
        page.router,
    ),
    Role.IM: (health.router, content_health.router, write.router),
    Role.WORKER: (health.router, content_health.router),
}


def _loops(services: Services, role: Role) -> dict[str, Loop]:
    """Background tasks of a process, by name."""
    loops: dict[str, Loop] = {"figures": lambda: keep_figures(services, ContentFigures(services))}
    if role is Role.CPM:
        loops["progress"] = lambda: services.progress.follow(services.jobs)
        if services.regions.others:
            loops["identity"] = Replication(services).follow
        if services.settings.stripe_api_url:
            loops["payments"] = services.watch.follow_payments
    return loops


def wrap(app: Starlette, settings: Settings, role: Role, routes: list[BaseRoute]) -> None:
    """The layers of one role; what is added last is outermost."""
    if role is Role.CPM:
        admit(app)
    share(app, settings, METHODS)
    protect(app, settings, routes)


def from_environment(role: Role, lifecycle: Lifecycle) -> FastAPI:
    """Entry point of a server process: settings and logs first."""
    settings = load_settings()
    redactor = logs.configure(settings)
    report_errors(settings, redactor.text)
    return create(settings, role, lifecycle)
