"""POST /v1/write: im's whole interface, internal; turns an assignment into a text."""

from fastapi import APIRouter, Request

from app.api.problems import ProblemError, documented
from app.domain import Assignment, Draft
from app.peers import NO_CACHE
from app.writers.base import WriterError
from app.writers.desk import Desk

router = APIRouter(tags=["writing"])


@router.post("/v1/write", response_model=Draft, responses=documented(422, 502, 503))
async def write(assignment: Assignment, request: Request) -> Draft:
    """Write one text. 503: try again later; 502: trying again will not help."""
    desk: Desk = request.app.state.desk
    try:
        return await desk.write(assignment, fresh=request.headers.get("cache-control") == NO_CACHE)
    except WriterError as error:
        raise ProblemError(503 if error.retriable else 502, f"{error.kind}: {error}") from error
