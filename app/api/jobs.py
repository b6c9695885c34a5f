"""What clients do with their jobs: look, list, cancel, export, erase."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from app.api.dependencies import NO_STORE, NO_SUCH_JOB, CallerNow, JobOfPath, ServicesNow, may_see
from app.api.problems import ProblemError, documented
from app.api.views import JobPage, JobView, summary, view
from app.domain import ClientId
from app.ids import JOB_ID_PATTERN, JobId
from app.jobs import Job, list_name
from app.privacy import erase, export
from app.regions import HOP, RegionUnreachable

router = APIRouter(tags=["jobs"])
PAGE = 20
LIST_SECONDS = 300


class Erased(BaseModel):
    """How much of a client was deleted."""

    jobs: int = Field(ge=0)


@router.get("/status/{job_id}", response_model=JobView, responses=documented(401, 404, 429, 502, 503))
async def status(job: JobOfPath, request: Request, services: ServicesNow, caller: CallerNow) -> Response:
    """How far a job is, and its text when it is done."""
    if services.regions.elsewhere(job) and HOP not in request.headers:
        credentials = {k: v for k, v in request.headers.items() if k in ("authorization", "x-api-key")}
        try:
            reply = await services.regions.status(job, credentials)
        except RegionUnreachable:
            raise ProblemError(502, f"The region '{job.region}' that has this job does not answer.") from None
        return Response(reply.content, reply.status_code, NO_STORE, reply.headers.get("content-type"))
    found = await services.jobs.find(job)
    if found is None or not may_see(caller, found):
        raise ProblemError(404, NO_SUCH_JOB)
    return Response(view(found).model_dump_json(), 200, NO_STORE, "application/json")


@router.get("/jobs", response_model=JobPage, responses=documented(401, 403, 422, 429, 503))
async def list_jobs(
    services: ServicesNow,
    caller: CallerNow,
    client_id: Annotated[ClientId | None, Query(description="Needed without an API key.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = PAGE,
    before: Annotated[str | None, Query(pattern=JOB_ID_PATTERN, description="`next` of the page before.")] = None,
) -> Response:
    """A client's jobs, newest first. The first page is cached for five minutes or until one of the jobs changes."""
    client = _client(caller.client_id, client_id)
    earlier = JobId.parse(before) if before else None
    name = list_name(client) if earlier is None and limit == PAGE and caller.client_id is not None else None
    body = await services.cache.get(name) if name else None
    if body is None:
        found = await services.jobs.page(client, caller.client_id, limit, earlier)
        body = _page(list(found), limit).model_dump_json()
        if name:
            await services.cache.put(name, body, LIST_SECONDS)
    return Response(body, 200, NO_STORE, "application/json")


@router.delete("/jobs/{job_id}", response_model=JobView, responses=documented(401, 404, 409, 429, 503))
async def cancel(job: JobOfPath, services: ServicesNow, caller: CallerNow) -> Response:
    """Cancel a job that has not ended; a worker that is at it stops, and its result is dropped."""
    found = await services.jobs.find(job)
    if found is None or not may_see(caller, found):
        raise ProblemError(404, NO_SUCH_JOB)
    cancelled = await services.jobs.cancel(job)
    if cancelled is None:
        raise ProblemError(409, f"The job has ended already ({found.status}).")
    return Response(view(cancelled).model_dump_json(), 200, NO_STORE, "application/json")


@router.get("/export", responses=documented(401, 403, 429, 503))
async def export_data(services: ServicesNow, caller: CallerNow) -> StreamingResponse:
    """Everything the service has about the caller (X03), a JSON object a line; the last line counts them."""
    lines = export(services.database, _keyed(caller.client_id))
    return StreamingResponse(lines, headers=NO_STORE, media_type="application/x-ndjson")


@router.delete("/export", response_model=Erased, responses=documented(401, 403, 429, 503))
async def erase_data(services: ServicesNow, caller: CallerNow) -> Erased:
    """Delete everything the service has about the caller (X03), its keys too; backups forget it when they age out."""
    erased = await erase(services.database, _keyed(caller.client_id), services.cache)
    return Erased(jobs=erased.jobs)


def _page(found: list[Job], limit: int) -> JobPage:
    following = str(found[-1].id) if len(found) == limit else None
    return JobPage.model_construct(jobs=[summary(job) for job in found], next=following)


def _client(own: str | None, asked: str | None) -> str:
    if own is None and asked is None:
        raise ProblemError(422, "Say whose jobs: give client_id, or send an API key.")
    if own is not None and asked not in (None, own):
        raise ProblemError(403, f"This key belongs to '{own}' and sees only its jobs.")
    return own or asked or ""


def _keyed(client: str | None) -> str:
    if client is None:
        raise ProblemError(401, "Send an API key: only its holder may ask for this.", {"WWW-Authenticate": "Bearer"})
    return client
