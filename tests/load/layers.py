"""Processor time of the service's middleware: the whole stack around an application that does nothing, minus nothing.

The limiter asks a real Redis, log lines are made and thrown away; what is left out is what the framework would do.
"""

import asyncio
import os
import time
from collections.abc import Mapping

import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.application import Role, wrap
from app.services import Lifecycle, Services, build
from app.settings import Settings
from app.telemetry import logs

TOGETHER, ROUNDS = 16, 250
_HEADERS = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"2")]


async def microseconds(environment: Mapping[str, str]) -> float:
    """A request's share, in microseconds of this process."""
    settings = Settings.model_validate({name.lower(): value for name, value in environment.items()})
    logs.configure(settings)
    with open(os.devnull, "wb") as nowhere:  # noqa: ASYNC230, PTH123  opened once, before anything is measured
        structlog.configure(logger_factory=structlog.BytesLoggerFactory(nowhere))
        services = build(settings, Lifecycle())
        try:
            await _rounds(_stack(settings, services), 25)
            began = time.process_time()
            await _rounds(_stack(settings, services), ROUNDS)
            whole = time.process_time() - began
            began = time.process_time()
            await _rounds(_nothing, ROUNDS)
            return 1e6 * (whole - (time.process_time() - began)) / (ROUNDS * TOGETHER)
        finally:
            await services.close()


def _stack(settings: Settings, services: Services) -> ASGIApp:
    app = Starlette()
    app.state.services = services
    wrap(app, settings, Role.CPM, [])
    app.router = _nothing  # type: ignore[assignment]
    return app


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


async def _rounds(app: ASGIApp, rounds: int) -> None:
    for _ in range(rounds):
        await asyncio.gather(*(_request(app) for _ in range(TOGETHER)))


async def _request(app: ASGIApp) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 202

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/generate", "raw_path": b"/generate", "query_string": b"", "root_path": "", "headers": _HEADERS,
        "client": ("127.0.0.1", 5000), "server": ("127.0.0.1", 8000), "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
