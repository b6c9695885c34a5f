"""POST and DELETE /sessions: trade an API key for a token that expires, and end it (E12)."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.access.callers import Caller
from app.api.callers import BEARER, CoreNow, KeyedCaller
from app.api.problems import ProblemError, documented

router = APIRouter(tags=["sessions"])


class Token(BaseModel):
    """A session token; send it as Authorization: Bearer."""

    token: str
    expires_in: int = Field(ge=1, description="Seconds.")
    client_id: str


class Access(BaseModel):
    """Access data that a page needs before any other call."""

    keys_required: bool = Field(description="False where no key is needed, and all clients see each other's jobs.")
    client_id: str | None = Field(None, description="Whose key or session was sent along.")


@router.get("/sessions", response_model=Access, responses=documented(401, 429, 503))
async def access(request: Request, services: CoreNow) -> Access:
    """Report whether this deployment asks for a key, and the caller's identity."""
    caller: Caller = request.scope["state"]["caller"]
    return Access(keys_required=services.settings.keys_required, client_id=caller.client_id)


@router.post("/sessions", status_code=201, response_model=Token, responses=documented(401, 429, 503))
async def log_in(services: CoreNow, caller: KeyedCaller) -> Token:
    """A session for the key in X-API-Key; for a session that is in force, the same for longer, up to a day in all."""
    if not services.sessions.configured:
        raise ProblemError(503, "Sessions are not set up here (SESSION_SECRET); send the API key with each request.")
    assert caller.client_id is not None
    assert caller.key_id is not None
    assert caller.tier is not None
    began = caller.session.began if caller.session else None
    token = services.sessions.issue(caller.client_id, caller.key_id, caller.tier, began=began)
    return Token(token=token, expires_in=services.sessions.seconds, client_id=caller.client_id)


@router.delete("/sessions", status_code=204, responses=documented(401, 429, 503))
async def log_out(services: CoreNow, caller: KeyedCaller) -> Response:
    """End the session that is sent along, everywhere within seconds."""
    if caller.session is None:
        raise ProblemError(401, "Send the session token to end as Authorization: Bearer.", BEARER)
    await services.keys.end_session(caller.session.id)
    return Response(status_code=204)
