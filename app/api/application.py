"""The ASGI applications, one a role, from the same parts."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from fastapi import APIRouter, FastAPI
from sqlalchemy import Table
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
    sessions,
    webhooks,
    write,
)
from app.api.framework import application, settle
from app.domain import GenerationRequest
from app.lifecycle import Lifecycle
from app.middleware.admission import admit, share
from app.middleware.asked import note_requests
from app.middleware.edge import protect
from app.schema import Schema
from app.services import Services, running
from app.settings import Settings, load_settings
from app.supervision import Loop
from app.telemetry import logs
from app.telemetry.figures import ContentFigures
from app.telemetry.region_figures import keep_figures
from app.telemetry.reporting import report_errors
from app.worker import Worker
from app.writers.desk import Desk, desk


class Role(StrEnum):
    """Role of a process: cpm takes requests, im writes, workers connect the two."""

    CPM = "cpm"
    IM = "im"
    WORKER = "worker"


@dataclass(frozen=True)
class Part:
    """Share of a product's work that one process does.

    title: name in the document of its API.
    routers: routes, the busy ones first, because the framework looks for one from the first to the last.
    asked: callers reach it: they are recognised and counted, and may follow jobs.
    writes: it turns prompts into texts; it alone is given keys and pays for the providers' SDKs in memory.
    works: it takes jobs from the queue.
    owned: tables that the product adds, whose rows belong to a client.
    asks: kind of request that the document of its API describes.
    completed: the parts of the process, with the product's own in the place of content generation's.
    desk: where its texts are written.
    worker: class that takes its jobs.
    """

    title: str
    routers: tuple[APIRouter, ...]
    asked: bool = False
    writes: bool = False
    works: bool = False
    owned: tuple[Table, ...] = ()
    asks: type[GenerationRequest] = GenerationRequest
    completed: Callable[[Services], Services] = lambda services: services
    desk: Callable[[Services], AbstractAsyncContextManager[Desk]] = desk
    worker: Callable[[Services, Desk], Worker] = Worker


def create(settings: Settings, role: Role, lifecycle: Lifecycle | None = None) -> FastAPI:
    """Content generation's application of one role. `lifecycle` is the server's, which sets `draining` on SIGTERM."""
    works = role is Role.WORKER
    writes = role is Role.IM or (works and settings.writes_itself)
    part = Part("Content generation", ROUTERS[role], asked=role is Role.CPM, writes=writes, works=works)
    return assemble(settings, part, lifecycle or Lifecycle())


def assemble(settings: Settings, part: Part, lifecycle: Lifecycle, schema: Schema | None = None) -> FastAPI:
    """An application of the parts that content generation is made of; its schema unless another one is given."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, lifecycle, schema, part.owned) as core:
            app.state.services = services = part.completed(core)
            at_the_desk = part.desk(services) if part.writes else nullcontext()
            background = services.supervisor.background(**_loops(services, part))
            async with at_the_desk as app.state.desk, background:
                settle()
                if part.works:
                    async with part.worker(services, app.state.desk).working():
                        yield
                else:
                    yield

    app = application(part.title, settings, lifespan)
    document.complete(app, keys_required=settings.keys_required, schemas=(part.asks,))
    routers = part.routers if settings.closed else (*part.routers, debug.router, docs.router)
    for router in routers:
        app.include_router(router)
    wrap(app, settings, [route for router in routers for route in router.routes], asked=part.asked)
    return app


METHODS = ("GET", "POST", "DELETE")
ROUTERS = {
    # The page is here too for whoever runs cpm alone; a deployment's front end shows it from a process of its own.
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


def _loops(services: Services, part: Part) -> dict[str, Loop]:
    """Background tasks of a process, by name."""
    loops: dict[str, Loop] = {"figures": lambda: keep_figures(services, ContentFigures(services))}
    if part.asked:
        loops["progress"] = lambda: services.progress.follow(services.jobs)
        if services.regions.others:
            loops["identity"] = Replication(services).follow
        if services.settings.payments:
            loops["payments"] = services.watch.follow_payments
    return loops


def wrap(app: Starlette, settings: Settings, routes: list[BaseRoute], *, asked: bool) -> None:
    """The layers of an application; what is added last is outermost."""
    note_requests(app, settings, callers=asked)
    if asked:
        admit(app)
    share(app, settings, METHODS)
    protect(app, settings, routes)


def from_environment(role: Role, lifecycle: Lifecycle) -> FastAPI:
    """Entry point of a server process: settings and logs first."""
    settings = load_settings()
    redactor = logs.configure(settings)
    report_errors(settings, redactor.text)
    return create(settings, role, lifecycle)


cpm, im, worker = (partial(from_environment, role) for role in (Role.CPM, Role.IM, Role.WORKER))
"""The application of each role, of a lifecycle (app.content_generation.product)."""
