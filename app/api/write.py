"""im's whole interface, internal: POST /v1/write turns an assignment into a text, POST /v1/collect a ticket."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.problems import ProblemError, documented
from app.domain import Assignment, Draft, Strict, Ticket, Waiting
from app.peers import NO_CACHE, RESPOND_LATER
from app.writers.base import WriterError
from app.writers.batches import BatchLost
from app.writers.desk import Desk

router = APIRouter(tags=["writing"])
LATER: dict[int | str, dict[str, object]] = {202: {"model": Waiting, "description": "A batch will bring the text."}}


class Collection(Strict):
    """The body of POST /v1/collect."""

    assignment: Assignment
    ticket: Ticket


@router.post("/v1/write", response_model=Draft, responses={**documented(422, 502, 503), **LATER})
async def write(assignment: Assignment, request: Request) -> Draft | Response:
    """Write one text; who prefers to be answered later (RFC 7240) may get a ticket (D01).

    503: try again later; 502: trying again will not help.
    """
    desk, fresh = _desk(request)
    later = request.headers.get("prefer") == RESPOND_LATER
    try:
        outcome = await (desk.order(assignment, fresh=fresh) if later else desk.write(assignment, fresh=fresh))
    except WriterError as error:
        raise ProblemError(503 if error.retriable else 502, f"{error.kind}: {error}") from error
    return _answer(outcome)


@router.post("/v1/collect", response_model=Draft, responses={**documented(410, 422, 503), **LATER})
async def collect(collection: Collection, request: Request) -> Draft | Response:
    """The text of a ticket. 503: try again later; 410: it will never come, ask for it directly."""
    desk, fresh = _desk(request)
    try:
        return _answer(await desk.collect(collection.assignment, collection.ticket, fresh=fresh))
    except BatchLost as error:
        raise ProblemError(410, str(error)) from error
    except WriterError as error:
        raise ProblemError(503, f"{error.kind}: {error}") from error


def _desk(request: Request) -> tuple[Desk, bool]:
    """The desk, and whether the text must be a new one."""
    desk: Desk = request.app.state.desk
    return desk, request.headers.get("cache-control") == NO_CACHE


def _answer(outcome: Draft | Waiting) -> Draft | Response:
    return outcome if isinstance(outcome, Draft) else Response(outcome.model_dump_json(), 202, None, "application/json")
