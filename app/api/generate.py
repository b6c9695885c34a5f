"""POST /generate and GET /status/{job_id}: the two routes the clients live on (A04)."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from app.api.dependencies import JobOfPath, ServicesNow
from app.api.problems import ProblemError, documented
from app.api.views import Accepted, JobView, view
from app.domain import GenerationRequest
from app.ids import JobId
from app.intake import KeyBusy, KeyReused, Submission

router = APIRouter(tags=["content"])
NO_STORE = {"Cache-Control": "no-store"}


@router.post(
    "/generate", status_code=202, response_model=Accepted, responses=documented(400, 401, 403, 409, 413, 422, 429, 503)
)
async def generate(
    body: GenerationRequest,
    request: Request,
    services: ServicesNow,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="Send it again with the same body after a lost answer.",
        ),
    ] = None,
    traceparent: Annotated[str | None, Header(max_length=100, include_in_schema=False)] = None,
) -> Response:
    """Accept a piece of content to be written. 202 means that the job is stored and cannot get lost."""
    submission = Submission(
        job=JobId.new(services.settings.region_short),
        request=body,
        owner=None,
        key=idempotency_key,
        request_id=request.scope["state"]["request_id"],
        trace_parent=traceparent,
    )
    request.scope["state"]["client_id"] = body.client_id
    try:
        receipt = await services.intake.accept(submission)
    except KeyReused:
        raise ProblemError(422, "This Idempotency-Key was used with another body; use a new key.") from None
    except KeyBusy:
        raise ProblemError(409, "A request with this Idempotency-Key is being handled; try again shortly.") from None
    job = str(receipt.job)
    request.scope["state"]["job_id"] = job
    headers = {**NO_STORE, "Location": f"/status/{job}"}
    if receipt.replayed:
        headers["Idempotency-Replayed"] = "true"
    accepted = Accepted.model_construct(job_id=job, status_url=f"/status/{job}")
    return Response(accepted.model_dump_json(), 202, headers, "application/json")


@router.get("/status/{job_id}", response_model=JobView, responses=documented(401, 404, 429, 503))
async def status(job: JobOfPath, services: ServicesNow) -> Response:
    """How far a job is, and its text when it is done."""
    found = await services.jobs.find(job)
    if found is None:
        raise ProblemError(404, "There is no such job.")
    return Response(view(found).model_dump_json(), 200, NO_STORE, "application/json")
