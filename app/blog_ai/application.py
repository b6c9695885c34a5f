"""blog-ai as one ASGI application: API, page and the queue's worker with its writer in every server process.

The document runs API and page in one container with 512 MiB requested and 2 GiB at most. Python with these parts takes
about 130 MB a process and 2 MB more for the page or the worker beside the API, but as much again as a process of its
own: two processes that do everything fit into the request, an API's two, a page's and a worker's do not. Writing is
waiting for a provider, so it does not hold the requests up; and a process that dies takes a part of each away instead
of one whole.
"""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from app import frontend
from app.api import (
    admin,
    content_health,
    generate,
    health,
    jobs,
    live,
    privacy,
    sessions,
)
from app.api.application import Part, assemble
from app.blog_ai import webhook
from app.blog_ai.history import HISTORY
from app.blog_ai.pictures import api as pictures
from app.blog_ai.pictures.requests import GenerationRequest, with_pictures
from app.blog_ai.post_worker import PostWorker
from app.blog_ai.posts import post_desk
from app.blog_ai.settings import BlogSettings
from app.blog_ai.tables import OWNED
from app.lifecycle import Lifecycle
from app.page_files import Page, page_router
from app.process_settings import load
from app.schema import Schema
from app.telemetry import logs
from app.telemetry.reporting import report_errors

PART: Final = Part(
    "Blog AI",
    (
        generate.router,
        jobs.router,
        health.router,
        content_health.router,
        sessions.router,
        privacy.router,
        admin.router,
        webhook.router,
        live.router,
        pictures.router,
    ),
    asked=True,
    writes=True,
    works=True,
    owned=OWNED,
    asks=GenerationRequest,
    completed=with_pictures,
    desk=post_desk,
    worker=PostWorker,
)
PAGE: Final = Page(("app.blog_ai", "app"), ("page.js", "post.js", "frame.js", "session.js", "page.css", "icon.svg"))
PAGE_PATHS: Final = frozenset(("/", "/health", "/ready", "/metrics"))
"""Paths of the page's port that are not the API's; a scrape of both ports would count everything twice."""
STATIC: Final = "/static/"


class ByPort:
    """The page on its port, with the API beside it so that the page has one origin; the API alone on the other."""

    def __init__(self, api: ASGIApp, page: ASGIApp, page_port: int) -> None:
        self._api = api
        self._page = page
        self._port = page_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """By the port of the connection's own end, which no header can change."""
        await (self._page if self._for_page(scope) else self._api)(scope, receive, send)

    def _for_page(self, scope: Scope) -> bool:
        if scope["type"] != "http" or (scope.get("server") or (None, None))[1] != self._port:
            return False
        path: str = scope["path"]
        return path in PAGE_PATHS or path.startswith(STATIC)


def create(settings: BlogSettings, lifecycle: Lifecycle | None = None) -> ASGIApp:
    """The whole product. `lifecycle` is the server's, which sets `draining` on SIGTERM."""
    cycle = lifecycle or Lifecycle()
    api = assemble(settings, PART, cycle, Schema(HISTORY.parts()))
    page = frontend.create(settings, cycle, page_router(PAGE), measured=False)
    return ByPort(api, page, settings.frontend_port)


def from_environment(lifecycle: Lifecycle) -> ASGIApp:
    """Entry point of a server process: settings and logs first."""
    settings = load(BlogSettings)
    redactor = logs.configure(settings)
    report_errors(settings, redactor.text)
    return create(settings, lifecycle)
