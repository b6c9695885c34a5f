"""Routes of videos: accepted at once, rendered by the consumer of the queue, watched and downloaded by their owner."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import Row
from starlette.responses import Response

from app.access.callers import Caller
from app.access.owners import NotFound
from app.api.callers import CallerNow, caller, caller_of, parts, parts_of
from app.api.direct import Direct, body_document, body_of
from app.api.owner import Owner, owner_of
from app.api.problems import ProblemError, documented
from app.api.replies import as_json, shown
from app.ids import JOB_ID_PATTERN, JobId
from app.limits import VIDEO_ROWS
from app.queue import QueueFull
from app.video.files import Wanted, streamed
from app.video.shelf import ShelfUnavailable
from app.video.tickets import key_of, ticket_of
from app.video_gateway.flags import Feature
from app.video_gateway.intake import Submission
from app.video_gateway.models import Accepted, NewVideo, PlayableView, VideoView
from app.video_gateway.services import GatewayServices

router = APIRouter(prefix="/api", tags=["videos"], dependencies=[Depends(caller)])
file_router = APIRouter(prefix="/api", tags=["videos"])
"""Routes that know their caller by a ticket too: a player can send no key."""
direct = APIRouter(prefix="/api", tags=["videos"], route_class=Direct)
ASK_AGAIN_SECONDS: Final = "1"
FULL_SECONDS: Final = "30"
"""Retry-After of a full queue: about the time in which a GPU renders one video."""
LISTED: Final = TypeAdapter(list[VideoView])
READ = documented(401, 404, 422, 429, 503)
_LOG = structlog.get_logger("app.videos")
services_of = parts_of(GatewayServices)
ServicesNow = Annotated[GatewayServices, Depends(parts(GatewayServices))]


class FeaturesView(BaseModel):
    """The features of the caller."""

    flags: dict[Feature, bool]


async def video_id(
    video: Annotated[str, Path(pattern=JOB_ID_PATTERN, examples=["use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"])],
) -> JobId:
    """The video of the path; what cannot be an id cannot be found either."""
    try:
        return JobId.parse(video)
    except ValueError:
        raise _not_found() from None


async def page_before(
    before: Annotated[
        str | None, Query(pattern=JOB_ID_PATTERN, description="Id of the last video of the page before.")
    ] = None,
) -> JobId | None:
    """The video that a page begins after."""
    return None if before is None else await video_id(before)


def subject_of(request: Request, caller: Caller) -> str:
    """The name by which features are given: the client's, or the guest's address."""
    return caller.client_id or (request.client.host if request.client else "unknown")


async def subject(request: Request, caller: CallerNow) -> str:
    """The same, for routes that let the framework ask."""
    return subject_of(request, caller)


VideoOfPath = Annotated[JobId, Depends(video_id)]
Subject = Annotated[str, Depends(subject)]


@router.get("/flags", response_model=FeaturesView, responses=documented(401, 429, 503))
async def get_flags(services: ServicesNow, subject: Subject) -> Response:
    """The caller's features."""
    return shown(FeaturesView(flags={feature: services.features.has(feature, subject) for feature in Feature}))


@direct.post(
    "/generate",
    status_code=202,
    response_model=Accepted,
    responses=documented(400, 401, 413, 422, 429, 503),
    openapi_extra=body_document(NewVideo),
)
async def generate(request: Request) -> Response:
    """202 means that the video is stored as a job and will be rendered; ask GET /api/videos/{id} for it."""
    caller, services = caller_of(request), services_of(request)
    owner, body = owner_of(request, caller), await body_of(request, NewVideo)
    if not services.features.has(Feature.GENERATION, subject_of(request, caller)):
        raise ProblemError(503, "Videos are not generated at the moment; nothing was stored.", code="feature_disabled")
    state = request.scope["state"]
    video = JobId.new(services.settings.region_short, services.watch.moment())
    state["job_id"] = str(video)
    try:
        await services.intake.accept(Submission(video, owner, body, state["request_id"]))
    except QueueFull:
        detail = "So many wait already that no more are taken; nothing was stored. See Retry-After."
        raise ProblemError(429, detail, {"Retry-After": FULL_SECONDS}, code="queue_full") from None
    path = f"/api/videos/{video}"
    return shown(Accepted(id=str(video), url=path), 202, Location=path, **{"Retry-After": ASK_AGAIN_SECONDS})


@router.get("/videos", response_model=list[VideoView], responses=READ)
async def list_videos(
    services: ServicesNow,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=VIDEO_ROWS)] = VIDEO_ROWS,
    before: Annotated[JobId | None, Depends(page_before)] = None,
) -> Response:
    """One's own videos, newest first; a page shorter than its limit is the last."""
    if before is not None or limit != VIDEO_ROWS:
        return as_json(LISTED.dump_json(await services.videos.page(owner, limit, before)))

    async def read() -> str:
        return LISTED.dump_json(await services.videos.page(owner, limit)).decode()

    return as_json(await services.lists.kept(owner, read))


@router.get("/videos/{video}", response_model=PlayableView, responses=READ)
async def get_video(video: VideoOfPath, services: ServicesNow, owner: Owner) -> Response:
    """One video of one's own: its progress, and once it is ready a signed address in the bucket and one of this
    service; or the reason of its failure.
    """
    row = await _row(services, owner, video)
    view = PlayableView.model_validate(row)
    if row.key is None:
        return shown(view)
    ticket = ticket_of(video, row.key, services.settings.session_secrets, services.shelf.seconds)
    ready = {
        "url": await services.shelf.address(row.key),
        "file": _path(video) + (f"?ticket={ticket}" if ticket else ""),
        "expires_in": services.shelf.seconds,
    }
    return shown(view.model_copy(update=ready))


@router.delete("/videos/{video}", status_code=204, responses=READ)
async def delete_video(video: VideoOfPath, services: ServicesNow, owner: Owner) -> Response:
    """Delete a video of one's own; one that waits or is being rendered is cancelled."""
    async with _owned():
        key = await services.videos.delete(owner, video)
    if key is not None:
        try:
            await services.shelf.drop([key])
        except ShelfUnavailable as error:
            # The daily care finds it: no row names it any more.
            _LOG.warning("the file of a deleted video stays for now", key=key, error=str(error))
    return Response(status_code=204)


@file_router.get("/videos/{video}/file", response_class=Response, responses={**READ, **documented(416)})
async def get_file(
    video: VideoOfPath,
    request: Request,
    services: ServicesNow,
    wanted: Wanted = None,
    ticket: Annotated[str | None, Query(max_length=1000, pattern=r"^[A-Za-z0-9_.-]+$")] = None,
) -> Response:
    """The MP4 itself, for who may see the video, or has its address with a ticket."""
    if ticket is None:
        row = await _row(services, owner_of(request, caller_of(request)), video)
        if row.key is None:
            raise ProblemError(404, "There is no file of this video yet.", code="video_not_ready")
        return await streamed(services.shelf, row.key, wanted)
    key = key_of(ticket, services.settings.session_secrets)
    own = key is not None and key.startswith(services.shelf.folder(str(video)))
    return await streamed(services.shelf, key if own else None, wanted)


def _path(video: JobId) -> str:
    return f"/api/videos/{video}/file"


async def _row(services: GatewayServices, owner: str, video: JobId) -> "Row[tuple[object, ...]]":
    async with _owned():
        return await services.videos.get(owner, video)


@asynccontextmanager
async def _owned() -> AsyncIterator[None]:
    try:
        yield
    except NotFound:
        raise _not_found() from None


def _not_found() -> ProblemError:
    return ProblemError(404, "There is no such video.", code="video_not_found")
