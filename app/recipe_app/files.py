"""GET /api/videos/{ticket}: the bytes of a video by its signed address."""

from typing import Annotated

from botocore.exceptions import ClientError
from fastapi import APIRouter, Path
from starlette.responses import Response, StreamingResponse

from app.api.problems import ProblemError, documented
from app.recipe_app.api import ServicesNow
from app.recipe_app.tickets import key_of
from app.video.shelf import MEDIA_TYPE, ShelfUnavailable

router = APIRouter(prefix="/api", tags=["recipes"])
Ticket = Annotated[str, Path(max_length=1000, pattern=r"^[A-Za-z0-9_.-]+$")]


@router.get("/videos/{ticket}", response_class=Response, responses=documented(404, 422, 429, 503))
async def video_file(ticket: Ticket, services: ServicesNow) -> Response:
    """Stream the video; the address is in GET /api/recipes/{id}/video."""
    key = key_of(ticket, services.settings.session_secrets)
    if key is None or services.shelf is None:
        raise ProblemError(404, "This address is not valid, or has expired; ask for the video again.")
    try:
        chunks = await services.shelf.chunks(key)
    except ShelfUnavailable as error:
        if isinstance(error.__cause__, ClientError):
            raise ProblemError(404, "This video is not there any more.") from None
        raise ProblemError(503, "The store of videos is not available.", {"Retry-After": "5"}) from None
    return StreamingResponse(chunks, media_type=MEDIA_TYPE, headers={"Cache-Control": "private, max-age=600"})
