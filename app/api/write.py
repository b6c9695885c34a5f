"""im's whole interface, internal: POST /v1/write turns an assignment into a text, POST /v1/collect a ticket."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.problems import ProblemError, documented
from app.domain import Assignment, Draft, Strict, Ticket, Waiting
from app.peers import ATTEMPT, CLIENT, DEADLINE, ERROR_TYPE, JOB, NO_CACHE, RESPOND_LATER
from app.settings import Settings
from app.writers.base import CallContext, Deadline, WriterError
from app.writers.batches import BatchLostError
from app.writers.desk import Desk

T = TypeVar("T")
router = APIRouter(tags=["writing"])
LATER: dict[int | str, dict[str, object]] = {202: {"model": Waiting, "description": "A batch will bring the text."}}
# What nginx calls a client that closed its connection; nobody is there to read it.
CLIENT_CLOSED = 499


class Collection(Strict):
    """The body of POST /v1/collect."""

    assignment: Assignment
    ticket: Ticket


@router.post("/v1/write", response_model=Draft, responses={**documented(422, 502, 503), **LATER})
async def write(assignment: Assignment, request: Request) -> Draft | Response:
    """Write one text; who prefers to be answered later (RFC 7240) may get a ticket (D01).

    503: try again later, as X-Error-Type says; 502: trying again will not help.
    """
    desk, context = _desk(request), _context(request)
    later = request.headers.get("prefer") == RESPOND_LATER
    return await _answer(request, desk.order(assignment, context) if later else desk.write(assignment, context))


@router.post("/v1/collect", response_model=Draft, responses={**documented(410, 422, 503), **LATER})
async def collect(collection: Collection, request: Request) -> Draft | Response:
    """The text of a ticket. 503: try again later; 410: it will never come, ask for it directly."""
    work = _desk(request).collect(collection.assignment, collection.ticket, _context(request))
    return await _answer(request, work)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _context(request: Request) -> CallContext:
    """For whom the text is; who names no deadline (a worker of the release before) has the one of the settings."""
    headers = request.headers
    settings: Settings = request.app.state.services.settings
    asked, attempt = headers.get(DEADLINE, ""), headers.get(ATTEMPT, "")
    seconds = float(asked) if asked.replace(".", "", 1).isdecimal() else settings.llm_deadline_seconds
    return CallContext(
        deadline=Deadline.after(min(seconds, settings.llm_deadline_seconds)),
        job_id=headers.get(JOB),
        attempt=int(attempt) if attempt.isdecimal() else None,
        client_id=headers.get(CLIENT),
        fresh=headers.get("cache-control") == NO_CACHE,
    )


async def _answer(request: Request, work: Coroutine[object, object, Draft | Waiting]) -> Draft | Response:
    try:
        outcome = await _while_connected(request, work)
    except BatchLostError as error:
        raise ProblemError(410, error.failure.sentence, {ERROR_TYPE: error.kind}) from error
    except WriterError as error:
        headers = {ERROR_TYPE: error.kind}
        if error.retry_after is not None:
            headers["Retry-After"] = str(max(1, round(error.retry_after)))
        raise ProblemError(502 if error.final else 503, error.failure.sentence, headers) from error
    if outcome is None:
        return Response(status_code=CLIENT_CLOSED)
    if isinstance(outcome, Draft):
        return outcome
    return Response(outcome.model_dump_json(), 202, None, "application/json")


async def _while_connected(request: Request, work: Coroutine[object, object, T]) -> T | None:
    """Result of `work`; it is cancelled, and None is given, when the worker closes its connection."""
    task, gone = asyncio.ensure_future(work), asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
