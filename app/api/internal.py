"""Routes between regions: keys and revocations, for holders of the secret that regions share."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from app.access.replication import PATH, changes
from app.api.callers import BEARER, NO_STORE
from app.api.dependencies import ServicesNow
from app.api.problems import ProblemError

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def identity(
    services: ServicesNow,
    since: Annotated[datetime, Query()],
    authorization: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Keys and revocations that changed here after a moment."""
    if not services.regions.is_region(authorization, PATH):
        raise ProblemError(401, "Only another region of this deployment may ask for this.", BEARER)
    async with services.database.read(fresh=True) as connection:
        told = await changes(connection, since)
    return Response(told.model_dump_json(), 200, NO_STORE, "application/json")
