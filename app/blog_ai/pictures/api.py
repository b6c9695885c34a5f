"""GET /pictures: the offer of pictures, and the picture of a job."""

from typing import Annotated, Final

from fastapi import APIRouter, Header
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.api.callers import CallerNow
from app.api.dependencies import AskingRegion, JobOfPath, ServicesNow
from app.api.jobs import elsewhere, own
from app.api.problems import ProblemError, documented
from app.blog_ai.pictures.stability import JPEG
from app.blog_ai.pictures.store import PictureStore
from app.blog_ai.settings import BlogSettings

router = APIRouter(tags=["pictures"])
_FILE: Final[dict[int | str, dict[str, object]]] = {
    200: {"description": "The picture.", "content": {JPEG: {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "If-None-Match names the picture."},
}


class Pictures(BaseModel):
    """Offer of pictures."""

    enabled: bool = Field(description="False where a request for a picture brings the text alone.")


@router.get("/pictures", response_model=Pictures, responses=documented(401, 429, 503))
async def offered(services: ServicesNow, caller: CallerNow) -> Pictures:
    """Report whether this deployment makes pictures."""
    assert isinstance(services.settings, BlogSettings)
    return Pictures(enabled=services.settings.stability_api_key is not None)


@router.get(
    "/pictures/{job_id}",
    response_class=Response,
    responses={**documented(401, 404, 422, 429, 502, 503), **_FILE},
)
async def picture(
    job: JobOfPath,
    services: ServicesNow,
    caller: CallerNow,
    hop: AskingRegion = None,
    if_none_match: Annotated[str, Header(max_length=1000)] = "",
) -> Response:
    """The header picture of a job. A copy is checked by its ETag each time, so one that is gone is not shown."""
    if services.regions.elsewhere(job, hop):
        return await elsewhere(services, job, "GET", f"/pictures/{job}", caller)
    await own(services, job, caller)
    store = PictureStore(services.database)
    etag = await store.kept(job)
    headers = {"ETag": etag or "", "Cache-Control": "private, no-cache", "Vary": "Authorization, X-API-Key"}
    if etag and etag in if_none_match:
        return Response(status_code=304, headers=headers)
    body = await store.body(job) if etag else None
    if body is None:
        raise ProblemError(404, "This job has no picture.", code="picture_not_found")
    return Response(body, headers=headers, media_type=JPEG)
