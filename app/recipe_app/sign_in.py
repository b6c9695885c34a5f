"""POST /api/sessions of recipe-app: the platform's own, and a row of the session until it has expired (K17)."""

from datetime import UTC, datetime

from fastapi import APIRouter
from sqlalchemy.dialects.postgresql import insert

from app.api.callers import KeyedCaller
from app.api.problems import documented
from app.api.sessions import Token, log_in
from app.recipe_app.api import ServicesNow
from app.recipe_app.tables import sessions

router = APIRouter(prefix="/api", tags=["sessions"])


@router.post("/sessions", status_code=201, response_model=Token, responses=documented(401, 429, 503))
async def sign_in(services: ServicesNow, caller: KeyedCaller) -> Token:
    """A session for the key in X-API-Key; for a session that is in force, the same for longer, up to a day in all."""
    token = await log_in(services, caller)
    session = services.sessions.check(token.token)
    assert session is not None, "a token that was just signed is valid"
    values = {"id": session.id, "client_id": session.client_id, "key_id": session.key_id}
    statement = insert(sessions).values(**values, expires_at=_moment(session.expires)).on_conflict_do_nothing()
    async with services.database.write() as connection:
        await connection.execute(statement)
    return token


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
