"""Routes of a client's jobs: look, list, cancel, delete."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.access.callers import Caller
from app.api.callers import NO_STORE, CallerNow
from app.api.dependencies import NO_SUCH_JOB, AskingRegion, JobOfPath, ServicesNow, client_of
from app.api.problems import ProblemError, documented
from app.api.views import JobPage, JobView, summary, view
from app.domain import ClientId
from app.ids import JOB_ID_PATTERN, JobId
from app.job import Job
from app.limits import LARGEST_PAGE_ROWS, PAGE_ROWS
from app.regions import RegionUnreachable
from app.services import Services

router = APIRouter(tags=["jobs"])
CHANGES = documented(401, 404, 409, 429, 502, 503)


@router.get("/status/{job_id}", response_model=JobView, responses=documented(401, 404, 429, 502, 503))
async def status(job: JobOfPath, services: ServicesNow, caller: CallerNow, hop: AskingRegion = None) -> Response:
    """Progress of a job, and its text when it is done (A04)."""
    if services.regions.elsewhere(job, hop):
        return await elsewhere(services, job, "GET", f"/status/{job}", caller)
    return _shown(await own(services, job, caller))


@router.get("/jobs", response_model=JobPage, responses=documented(401, 403, 422, 429, 503))
async def list_jobs(
    services: ServicesNow,
    caller: CallerNow,
    client_id: Annotated[ClientId | None, Query(description="Needed without an API key.")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE_ROWS)] = PAGE_ROWS,
    before: Annotated[str | None, Query(pattern=JOB_ID_PATTERN, description="`next` of the page before.")] = None,
) -> Response:
    """A client's jobs, newest first. The first page is kept for five minutes, or until a job changes (B03)."""
    client = client_of(caller, client_id)
    owner = caller.owner(client)
    earlier = _parsed(before) if before else None
    name = await services.lists.name(owner) if earlier is None and limit == PAGE_ROWS else None
    body = await services.lists.get(name) if name else None
    if body is None:
        # One more than asked for tells whether there is another page.
        found = list(await services.jobs.page(owner, client, limit + 1, earlier))
        body = _page(found, limit).model_dump_json()
        if name:
            await services.lists.keep(name, body)
    return Response(body, 200, NO_STORE, "application/json")


@router.post("/cancel/{job_id}", response_model=JobView, responses=CHANGES)
async def cancel(job: JobOfPath, services: ServicesNow, caller: CallerNow, hop: AskingRegion = None) -> Response:
    """Cancel a job that has not ended; a worker that is at it stops, and its result is dropped."""
    if services.regions.elsewhere(job, hop):
        return await elsewhere(services, job, "POST", f"/cancel/{job}", caller)
    cancelled = await services.jobs.cancel(job, caller.sees)
    if cancelled is None:
        found = await own(services, job, caller)
        raise ProblemError(409, f"The job has ended already ({found.status}).", code="job_ended")
    return _shown(cancelled)


@router.delete("/jobs/{job_id}", status_code=204, responses=CHANGES)
async def delete(job: JobOfPath, services: ServicesNow, caller: CallerNow, hop: AskingRegion = None) -> Response:
    """Delete a job that has ended, with its text."""
    if services.regions.elsewhere(job, hop):
        return await elsewhere(services, job, "DELETE", f"/jobs/{job}", caller)
    if not await services.jobs.delete(job, caller.sees):
        found = await own(services, job, caller)
        raise ProblemError(409, f"The job is still {found.status}; cancel it first.", code="job_not_ended")
    return Response(status_code=204)


async def own(services: Services, job: JobId, caller: Caller) -> Job:
    """The job, if the caller may see it; for every other caller it does not exist."""
    found = await services.jobs.seen(job, caller.sees)
    if found is None:
        raise ProblemError(404, NO_SUCH_JOB, code="job_not_found")
    return found


async def elsewhere(services: Services, job: JobId, method: str, path: str, caller: Caller) -> Response:
    """The owning region's reply."""
    try:
        reply = await services.regions.ask(job.region, method, path, caller)
    except RegionUnreachable:
        detail = f"The region '{job.region}' that has this job does not answer."
        raise ProblemError(502, detail, {"Retry-After": "5"}, code="region_unreachable") from None
    return Response(reply.content, reply.status_code, NO_STORE, reply.headers.get("content-type"))


def _shown(job: Job) -> Response:
    return Response(view(job).model_dump_json(), 200, NO_STORE, "application/json")


def _parsed(before: str) -> JobId:
    try:
        return JobId.parse(before)
    except ValueError:
        raise ProblemError(422, "`before` is no id of a job; give `next` of the page before.") from None


def _page(found: list[Job], limit: int) -> JobPage:
    following = str(found[limit - 1].id) if len(found) > limit else None
    return JobPage.model_construct(jobs=[summary(job) for job in found[:limit]], next=following)
