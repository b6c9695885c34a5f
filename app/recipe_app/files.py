"""GET /api/videos/{ticket}: the bytes of a video by its signed address."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.api.problems import documented
from app.recipe_app.api import ServicesNow
from app.video.files import Wanted, streamed
from app.video.tickets import key_of

router = APIRouter(prefix="/api", tags=["recipes"])
Ticket = Annotated[str, Path(max_length=1000, pattern=r"^[A-Za-z0-9_.-]+$")]


@router.get("/videos/{ticket}", response_class=Response, responses=documented(404, 416, 422, 429, 503))
async def video_file(ticket: Ticket, services: ServicesNow, wanted: Wanted = None) -> Response:
    """Stream the video; the address is in GET /api/recipes/{id}/video."""
    return await streamed(services.shelf, key_of(ticket, services.settings.session_secrets), wanted)
