"""`python -m tests.load.layers`: processor time of our middleware, the whole stack around an application of nothing.

The limiter asks a real Redis and log lines are written; what is left out is what the framework would do.
"""

import asyncio
import sys
import time

import uvloop
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.application import wrap
from app.lifecycle import Lifecycle
from app.services import Services, build
from app.settings import Settings, load_settings
from app.telemetry import logs

TOGETHER, ROUNDS = 16, 250
_HEADERS = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"2")]


async def microseconds() -> float:
    """A request's share, in microseconds of this process."""
    settings = load_settings()
    logs.configure(settings)
    services = build(settings, Lifecycle())
    try:
        stack = _stack(settings, services)
        await _rounds(stack, ROUNDS)
        return (await _rounds(stack, ROUNDS) - await _rounds(_nothing, ROUNDS)) * 1e6 / (ROUNDS * TOGETHER)
    finally:
        await services.close()


def _stack(settings: Settings, services: Services) -> ASGIApp:
    app = Starlette()
    app.state.services = services
    wrap(app, settings, [], asked=True)
    app.router = _nothing  # type: ignore[assignment]
    return app


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


async def _rounds(app: ASGIApp, rounds: int) -> float:
    began = time.process_time()
    for _ in range(rounds):
        await asyncio.gather(*(_request(app) for _ in range(TOGETHER)))
    return time.process_time() - began


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


if __name__ == "__main__":
    # Log lines go to standard output, as in the service; the figure goes to standard error.
    print(uvloop.run(microseconds()), file=sys.stderr)
