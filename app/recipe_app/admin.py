"""Administration of the queues by the document's paths (D02): the token as Bearer, and only from listed addresses."""

import hmac
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Request
from pydantic import Field
from sqlalchemy import text

from app.addresses import parse, within
from app.api.callers import BEARER
from app.api.problems import ProblemError, documented
from app.domain import Strict
from app.queue import depth
from app.queue_names import Queue
from app.recipe_app.api import ServicesNow
from app.recipe_app.tables import OF_QUEUE
from app.settings import Settings

ERRORS = documented(400, 401, 403, 413, 422, 429, 503)
CLEARED_AT_ONCE: Final = 1000
MOST_WORKERS: Final = 1000


class QueueView(Strict):
    """One queue now."""

    pending: int = Field(ge=0, description="Jobs that could begin now.")
    running: int = Field(ge=0)
    failed: int = Field(ge=0, description="Failed jobs that are kept.")
    oldest_seconds: float = Field(ge=0)
    workers: int = Field(ge=0, description="Jobs at once over all workers; 0 is no limit beyond the workers' own.")


class Scale(Strict):
    """A new limit of one queue."""

    queue: Queue = Field(examples=[Queue.TEXTS])
    workers: int = Field(ge=0, le=MOST_WORKERS, strict=True, examples=[10])


class Cleared(Strict):
    """Number of failed jobs that were deleted, by queue."""

    cleared: dict[str, int]


def refuse_others(settings: Settings, address: str | None, authorization: str | None) -> None:
    """Both the address list and the token (A11, D02): 403 from elsewhere, 401 without the token."""
    if not within(parse(address) if address else None, settings.allowed_admin_ips):
        raise ProblemError(403, "This address may not administer the service; see ALLOWED_ADMIN_IPS.")
    scheme, _, token = (authorization or "").partition(" ")
    given = token.strip().encode() if scheme.lower() == "bearer" else b""
    if not any(hmac.compare_digest(given, known.encode()) for known in settings.admin_tokens):
        raise ProblemError(401, "Send the administrator's token as Authorization: Bearer.", BEARER)


async def administrator(
    request: Request, services: ServicesNow, authorization: Annotated[str | None, Header(max_length=300)] = None
) -> None:
    """The caller is an administrator."""
    refuse_others(services.settings, request.client.host if request.client else None, authorization)


router = APIRouter(prefix="/api/admin/queue", tags=["administration"], dependencies=[Depends(administrator)])


@router.get("/stats", response_model=dict[Queue, QueueView], responses=ERRORS)
async def stats(services: ServicesNow) -> dict[Queue, QueueView]:
    """Statistics of each queue."""
    shown: dict[Queue, QueueView] = {}
    async with services.database.read(fresh=True) as connection:
        for queue, table in OF_QUEUE.items():
            now = await depth(connection, queue)
            failed = text(f"SELECT count(*) FROM {table} WHERE status = 'failed'")  # noqa: S608  names of tables
            shown[queue] = QueueView(
                pending=now.waiting,
                running=now.running,
                failed=(await connection.execute(failed)).scalar_one(),
                oldest_seconds=now.oldest_seconds,
                workers=services.switchboard.now.workers_of(queue),
            )
    return shown


@router.post("/scale", response_model=Scale, responses=ERRORS)
async def scale(change: Scale, services: ServicesNow) -> Scale:
    """Set the number of a queue's jobs that may run at once, over all workers; the replicas are the autoscaler's."""
    await services.switchboard.set_queue_workers(change.workers, change.queue)
    return change


@router.post("/clear-failed", response_model=Cleared, responses=ERRORS)
async def clear_failed(services: ServicesNow) -> Cleared:
    """Delete the failed jobs of every queue, some at a time: each statement is short, and what was deleted stays so."""
    cleared: dict[str, int] = {}
    for queue, table in OF_QUEUE.items():
        batch = text(
            f"DELETE FROM {table} WHERE id IN"  # noqa: S608  names of tables
            f" (SELECT id FROM {table} WHERE status = 'failed' LIMIT :most) RETURNING owner"
        )
        cleared[queue], last = 0, CLEARED_AT_ONCE
        while last == CLEARED_AT_ONCE:
            async with services.database.write() as connection:
                owners = (await connection.execute(batch, {"most": CLEARED_AT_ONCE})).scalars().all()
            last = len(owners)
            cleared[queue] += last
            await services.lists.changed(*set(owners))
    return Cleared(cleared=cleared)
