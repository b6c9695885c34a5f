"""POST /generate: accept a piece of content to be written (A04)."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from app.api.dependencies import NO_STORE, CallerNow, ServicesNow
from app.api.problems import ProblemError, documented
from app.api.views import Accepted
from app.domain import GenerationRequest
from app.ids import JobId
from app.intake import KeyBusy, KeyReused, Submission

router = APIRouter(tags=["content"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of yours; send the request again with the same one when the answer was lost.",
    ),
]
TraceParent = Annotated[str | None, Header(max_length=100, include_in_schema=False)]


@router.post(
    "/generate", status_code=202, response_model=Accepted, responses=documented(400, 401, 403, 409, 413, 422, 429, 503)
)
async def generate(
    body: GenerationRequest,
    request: Request,
    services: ServicesNow,
    caller: CallerNow,
    idempotency_key: IdempotencyKey = None,
    traceparent: TraceParent = None,
) -> Response:
    """202 means that the job is stored and cannot get lost; ask /status/{job_id} for it."""
    if caller.client_id is not None and caller.client_id != body.client_id:
        raise ProblemError(403, f"This key belongs to '{caller.client_id}'; client_id must be the same.")
    state = request.scope["state"]
    state["client_id"] = body.client_id
    submission = Submission(
        job=JobId.new(services.settings.region_short),
        request=body,
        owner=caller.client_id,
        key=idempotency_key,
        request_id=state["request_id"],
        trace_parent=traceparent,
    )
    try:
        receipt = await services.intake.accept(submission)
    except KeyReused:
        raise ProblemError(422, "This Idempotency-Key was used with another body; use a new key.") from None
    except KeyBusy:
        raise ProblemError(409, "A request with this Idempotency-Key is being handled; try again shortly.") from None
    job = str(receipt.job)
    state["job_id"] = job
    headers = {**NO_STORE, "Location": f"/status/{job}"}
    if receipt.replayed:
        headers["Idempotency-Replayed"] = "true"
    accepted = Accepted.model_construct(job_id=job, status_url=f"/status/{job}")
    return Response(accepted.model_dump_json(), 202, headers, "application/json")
