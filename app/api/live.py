"""/ws/jobs/{job_id}: the progress of a job while it happens (E08)."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.access.callers import ANONYMOUS, Caller, NotRecognised
from app.api.dependencies import may_see
from app.api.views import summary
from app.database import DatabaseUnavailable
from app.ids import JobId
from app.jobs import Job
from app.services import Services
from app.telemetry.metrics import ACTIVE_CONNECTIONS

router = APIRouter()
LOOK_SECONDS = 0.4
GREETING_SECONDS = 10.0
# Codes of RFC 6455: 1000 normal, 1011 our fault, and of the range for applications.
NOT_FOUND, NOT_ALLOWED, OVER, TRY_LATER = 4404, 4401, 1000, 1013


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
    ACTIVE_CONNECTIONS.inc()
    try:
        await socket.close(await _serve(socket, services, job_id))
    except WebSocketDisconnect:
        return
    finally:
        ACTIVE_CONNECTIONS.dec()


async def _serve(socket: WebSocket, services: Services, job_id: str) -> int:
    try:
        async with asyncio.timeout(GREETING_SECONDS):
            caller = await _caller(services, await socket.receive_text())
        job = await services.jobs.find(JobId.parse(job_id))
        if job is None or not may_see(caller, job):
            return NOT_FOUND
        return await _follow(socket, services, job)
    except (NotRecognised, ValidationError, TimeoutError):
        return NOT_ALLOWED
    except (ValueError, OverflowError):
        return NOT_FOUND
    except DatabaseUnavailable:
        return TRY_LATER


async def _follow(socket: WebSocket, services: Services, job: Job) -> int:
    gone = asyncio.create_task(_until_gone(socket))
    try:
        shown: Job | None = None
        while not gone.done() and not services.lifecycle.draining:
            if shown is None or job.updated_at != shown.updated_at:
                await socket.send_text(summary(job).model_dump_json())
                shown = job
            if job.status.final:
                return OVER
            await asyncio.wait({gone}, timeout=LOOK_SECONDS)
            job = await services.jobs.find(job.id) or job
        return TRY_LATER
    finally:
        gone.cancel()


async def _until_gone(socket: WebSocket) -> None:
    try:
        while True:
            await socket.receive()
    except (WebSocketDisconnect, RuntimeError):
        return


async def _caller(services: Services, text: str) -> Caller:
    token = Greeting.model_validate_json(text).token
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
