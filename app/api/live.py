"""/ws/jobs/{job_id}: the progress of a job while it happens (E08)."""

import asyncio
import time
from contextlib import suppress
from secrets import token_hex
from typing import Annotated

import structlog
from fastapi import APIRouter, Path, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.access.callers import ANONYMOUS, Caller, NotRecognised
from app.addresses import network_of
from app.api.views import summary
from app.database import DatabaseUnavailable
from app.ids import JobId
from app.job import Job
from app.limits import GREETING_SECONDS, GREETINGS_PER_ADDRESS, SOCKET_SECONDS
from app.progress import TooManyOfCaller, TooManySockets, Watcher
from app.services import Services
from app.telemetry.metrics import ACTIVE_CONNECTIONS, SOCKETS

router = APIRouter()
CHECK_SECONDS = 1.0
"""Interval of the check whether a socket's key was revoked, its client is gone or its process drains."""
# Codes of RFC 6455, and of the range for applications: those that end in 4xx mean what HTTP's do.
OVER, TRY_LATER, NOT_ALLOWED, NOT_FOUND, TOO_MANY, WRONG_FORM = 1000, 1013, 4401, 4404, 4429, 1003
_LOG = structlog.get_logger("app.live")


class Greeting(BaseModel):
    """The first message: a browser cannot send headers with a WebSocket, so the key or token comes here."""

    model_config = ConfigDict(extra="forbid")

    token: str | None = Field(None, max_length=4000)


@router.websocket("/ws/jobs/{job_id}")
async def watch(socket: WebSocket, job_id: Annotated[str, Path(max_length=60)]) -> None:
    """Send the job whenever it changed, until it has ended; pings keep the connection open through proxies."""
    services: Services = socket.app.state.services
    if not _same_origin(socket, services):
        await socket.close()
        return
    await socket.accept()
    began, code = time.monotonic(), TRY_LATER
    structlog.contextvars.bind_contextvars(request_id=token_hex(16))
    ACTIVE_CONNECTIONS.inc()
    try:
        code = await _admit(socket, services, job_id)
        await socket.close(code)
    except WebSocketDisconnect as gone:
        code = gone.code
    finally:
        ACTIVE_CONNECTIONS.dec()
        SOCKETS.labels(str(code)).inc()
        _LOG.info("socket", endpoint="/ws/jobs/{job_id}", status=code, seconds=round(time.monotonic() - began, 1))


async def _admit(socket: WebSocket, services: Services, job_id: str) -> int:
    """Admit a client within its limit of connections; one that has not said who it is counts as its address."""
    address = f"address:{network_of(socket.client.host if socket.client else '')}"
    try:
        with services.progress.admitted(f"greeting:{address}", GREETINGS_PER_ADDRESS):
            async with asyncio.timeout(GREETING_SECONDS):
                caller = await _caller(services, socket)
        with services.progress.admitted(f"key:{caller.key_id}" if caller.key_id else address):
            return await _serve(socket, services, caller, JobId.parse(job_id))
    except (NotRecognised, ValidationError, TimeoutError):
        return NOT_ALLOWED
    except ValueError:
        return NOT_FOUND
    except KeyError:
        return WRONG_FORM
    except TooManyOfCaller:
        return TOO_MANY
    except (TooManySockets, DatabaseUnavailable):
        return TRY_LATER


async def _serve(socket: WebSocket, services: Services, caller: Caller, job_id: JobId) -> int:
    job = await services.jobs.seen(job_id, caller.sees)
    if job is None:
        return NOT_FOUND
    gone = asyncio.create_task(_until_gone(socket))
    try:
        with services.progress.watching(job) as watcher:
            gone.add_done_callback(lambda _: watcher.changed.set())
            return await _follow(socket, services, caller, watcher, gone)
    finally:
        gone.cancel()


async def _follow(
    socket: WebSocket, services: Services, caller: Caller, watcher: Watcher, gone: "asyncio.Task[None]"
) -> int:
    until = time.monotonic() + SOCKET_SECONDS
    expires = caller.session.expires if caller.session else float("inf")
    shown: Job | None = None
    while not gone.done() and not services.lifecycle.draining and time.monotonic() < until:
        if services.callers.revoked(caller) or time.time() > expires:
            return NOT_ALLOWED
        watcher.changed.clear()
        if watcher.job is not shown:
            shown = watcher.job
            await socket.send_text(summary(shown).model_dump_json())
        if watcher.job.status.final:
            return OVER
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK_SECONDS):
                await watcher.changed.wait()
    return TRY_LATER


async def _until_gone(socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive()


async def _caller(services: Services, socket: WebSocket) -> Caller:
    """Raises NotRecognised, ValidationError, and KeyError for a message that is no text."""
    token = Greeting.model_validate_json(await socket.receive_text()).token
    if token:
        return await services.callers.recognise(token)
    if services.settings.keys_required:
        raise NotRecognised
    return ANONYMOUS


def _same_origin(socket: WebSocket, services: Services) -> bool:
    """A page of another origin may not open a socket here, unless CORS lets it."""
    origin = socket.headers.get("origin")
    if origin is None or origin in services.settings.cors_origins:
        return True
    return origin.partition("://")[2] == socket.headers.get("host")
