"""Routes of recipes and their videos: accepted at once, written and rendered by the queues' workers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from app.access.owners import NotFound
from app.api.callers import caller, caller_of, parts, parts_of
from app.api.direct import Direct, body_document, body_of
from app.api.owner import Owner, owner_of
from app.api.problems import ProblemError, documented
from app.api.replies import as_json, shown
from app.ids import JOB_ID_PATTERN, JobId
from app.limits import RECIPE_ROWS
from app.queue import QueueFull
from app.recipe_app.intake import Submission
from app.recipe_app.models import Accepted, NewRecipe, RecipeStatus, RecipeView, VideoView
from app.recipe_app.services import RecipeServices
from app.recipe_app.store import NotReady
from app.video.shelf import ShelfUnavailable, VideoShelf
from app.video.tickets import ticket_of

router = APIRouter(prefix="/api", tags=["recipes"], dependencies=[Depends(caller)])
direct = APIRouter(prefix="/api", tags=["recipes"], route_class=Direct)
ASK_AGAIN_SECONDS: Final = "1"
FULL_SECONDS: Final = "30"
"""Retry-After of a full queue: a worker does a few hundred recipes in this time."""
LISTED: Final = TypeAdapter(list[RecipeView])
READ = documented(401, 404, 422, 429, 503)
CHANGE = documented(400, 401, 404, 409, 413, 422, 429, 503)
_LOG = structlog.get_logger("app.recipes")


async def recipe_id(
    recipe: Annotated[str, Path(pattern=JOB_ID_PATTERN, examples=["use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"])],
) -> JobId:
    """The recipe of the path; what cannot be an id cannot be found either."""
    try:
        return JobId.parse(recipe)
    except ValueError:
        raise _not_found() from None


async def page_before(
    before: Annotated[
        str | None, Query(pattern=JOB_ID_PATTERN, description="Id of the last recipe of the page before.")
    ] = None,
) -> JobId | None:
    """The recipe that a page begins after."""
    try:
        return None if before is None else JobId.parse(before)
    except ValueError:
        raise ProblemError(422, "before: no recipe has this id.", code="recipe_not_found") from None


services_of = parts_of(RecipeServices)
ServicesNow = Annotated[RecipeServices, Depends(parts(RecipeServices))]
RecipeOfPath = Annotated[JobId, Depends(recipe_id)]


@direct.post(
    "/recipes", status_code=202, response_model=Accepted, responses=CHANGE, openapi_extra=body_document(NewRecipe)
)
async def create_recipe(request: Request) -> Response:
    """202 means that the recipe is stored and will be written; ask GET /api/recipes/{id} for it."""
    owner, services, state = owner_of(request, caller_of(request)), services_of(request), request.scope["state"]
    body = await body_of(request, NewRecipe)
    recipe = JobId.new(services.settings.region_short, services.watch.moment())
    state["job_id"] = str(recipe)
    async with _refusals():
        await services.intake.accept(Submission(recipe, owner, body, state["request_id"]))
    path = f"/api/recipes/{recipe}"
    return shown(Accepted(id=str(recipe), url=path), 202, Location=path, **{"Retry-After": ASK_AGAIN_SECONDS})


@router.get("/recipes", response_model=list[RecipeView], responses=documented(401, 422, 429, 503))
async def list_recipes(
    services: ServicesNow,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=RECIPE_ROWS)] = RECIPE_ROWS,
    before: Annotated[JobId | None, Depends(page_before)] = None,
) -> Response:
    """One's own recipes, newest first; a page shorter than its limit is the last. The first page is cached until one of
    its recipes changes, for five minutes at most.
    """
    if before is not None or limit != RECIPE_ROWS:
        found = await services.recipes.page(owner, limit, before)
        return as_json(LISTED.dump_json(found))

    async def read() -> str:
        return LISTED.dump_json(await services.recipes.page(owner, limit)).decode()

    return as_json(await services.lists.kept(owner, read))


@router.get("/recipes/{recipe}", response_model=RecipeView, responses=READ)
async def get_recipe(recipe: RecipeOfPath, services: ServicesNow, owner: Owner) -> Response:
    """One recipe of one's own: pending, then ready with its text, or failed with the reason."""
    async with _refusals():
        return shown(await services.recipes.get(owner, recipe))


@router.delete("/recipes/{recipe}", status_code=204, responses=CHANGE)
async def delete_recipe(recipe: RecipeOfPath, services: ServicesNow, owner: Owner) -> Response:
    """Delete a recipe of one's own with its video, in whatever state they are."""
    async with _refusals():
        key = await services.recipes.delete(owner, recipe)
    if key is not None and services.shelf is not None:
        try:
            await services.shelf.drop([key])
        except ShelfUnavailable as error:
            # The daily care finds it: no row names it any more.
            _LOG.warning("a deleted recipe's video stays for now", key=key, error=str(error))
    return Response(status_code=204)


@router.post("/recipes/{recipe}/video", status_code=202, response_model=Accepted, responses=CHANGE)
async def order_video(recipe: RecipeOfPath, services: ServicesNow, owner: Owner) -> Response:
    """Have a video made of a recipe that is ready. One that is there or under way is not made again."""
    _shelf(services)
    async with _refusals():
        status = await services.recipes.order_video(owner, recipe)
    path = f"/api/recipes/{recipe}/video"
    accepted = Accepted(id=str(recipe), status=status, url=path)
    return shown(accepted, 202, Location=path, **{"Retry-After": ASK_AGAIN_SECONDS})


@router.get("/recipes/{recipe}/video", response_model=VideoView, responses=READ)
async def get_video(recipe: RecipeOfPath, services: ServicesNow, owner: Owner) -> Response:
    """State of the video, and once it is ready a signed address of it in the bucket, and one of this service."""
    async with _refusals():
        found = await services.recipes.video(owner, recipe)
    if found is None:
        raise ProblemError(
            404,
            "There is no video of this recipe, or it is gone; POST to this path has one made.",
            code="video_missing",
        )
    view = VideoView(recipe=str(recipe), status=found.status, error=found.error)
    if found.status is not RecipeStatus.READY or found.key is None:
        return shown(view)
    shelf = _shelf(services)
    ticket = ticket_of(recipe, found.key, services.settings.session_secrets, shelf.seconds)
    ready = {
        "url": await shelf.address(found.key),
        "file": ticket and f"/api/videos/{ticket}",
        "expires_in": shelf.seconds,
        "bytes": found.bytes,
    }
    return shown(view.model_copy(update=ready))


def _shelf(services: RecipeServices) -> VideoShelf:
    if services.shelf is None:
        raise ProblemError(503, "Videos are not set up here (VIDEO_BUCKET).", code="videos_missing")
    return services.shelf


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    """Turn refusals of the stores into problems."""
    try:
        yield
    except NotFound:
        raise _not_found() from None
    except NotReady:
        detail = "A video is made of a recipe that is ready; ask again when it is."
        raise ProblemError(409, detail, {"Retry-After": ASK_AGAIN_SECONDS}, code="recipe_not_ready") from None
    except QueueFull:
        detail = "So many wait already that no more are taken; nothing was stored. See Retry-After."
        raise ProblemError(429, detail, {"Retry-After": FULL_SECONDS}, code="queue_full") from None


def _not_found() -> ProblemError:
    return ProblemError(404, "There is no such recipe.", code="recipe_not_found")
