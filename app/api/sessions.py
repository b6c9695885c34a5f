"""POST and DELETE /sessions: trade an API key for a token that expires, and end it (E12)."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.access.callers import Caller
from app.api.dependencies import BEARER, ServicesNow
from app.api.problems import ProblemError, documented
from app.redis_link import RedisDown

router = APIRouter(tags=["sessions"])


class Token(BaseModel):
    """A session token; send it as Authorization: Bearer."""

    token: str
    expires_in: int = Field(ge=1, description="Seconds.")
    client_id: str


@router.post("/sessions", status_code=201, response_model=Token, responses=documented(401, 429, 503))
async def log_in(request: Request, services: ServicesNow) -> Token:
    """Needs an API key in X-API-Key."""
    caller: Caller = request.scope["state"]["caller"]
    if caller.key_id is None or caller.client_id is None or caller.tier is None or caller.session is not None:
        raise ProblemError(401, "Send an API key in X-API-Key.", BEARER)
    if not services.sessions.configured:
        raise ProblemError(503, "Sessions are not set up here (SESSION_SECRET); send the API key with each request.")
    token = await services.sessions.issue(caller.client_id, caller.key_id, caller.tier)
    return Token(token=token, expires_in=services.sessions.seconds, client_id=caller.client_id)


@router.delete("/sessions", status_code=204, responses=documented(401, 429, 503))
async def log_out(request: Request, services: ServicesNow) -> Response:
    """End the session that is sent along; what the browser kept of this site is cleared."""
    caller: Caller = request.scope["state"]["caller"]
    if caller.session is None:
        raise ProblemError(401, "Send the session token to end as Authorization: Bearer.", BEARER)
    try:
        await services.sessions.end(caller.session)
    except RedisDown:
        raise ProblemError(503, "The session could not be ended; try again.", {"Retry-After": "5"}) from None
    return Response(status_code=204, headers={"Clear-Site-Data": '"cache", "cookies", "storage"'})
