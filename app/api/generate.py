"""POST /generate: accept a piece of content to be written (A04)."""

import re

from fastapi import APIRouter, Request
from starlette.datastructures import Headers
from starlette.responses import Response

from app.api.callers import NO_STORE, caller_of
from app.api.dependencies import client_of, services_of
from app.api.direct import Direct, body_document, body_of, invalid
from app.api.problems import ProblemError, documented
from app.api.views import Accepted
from app.domain import GenerationRequest
from app.ids import JobId
from app.intake import KeyBusy, KeyReused, Submission

router = APIRouter(tags=["content"], route_class=Direct)

KEY_HEADER = "Idempotency-Key"
KEY_LENGTH = 200
KEY_PATTERN = r"^[\x21-\x7e]+$"
TRACE_LENGTH = 100
ASK_AGAIN_SECONDS = "2"
_KEY = re.compile(KEY_PATTERN)
_DOCUMENT = {
    **body_document(GenerationRequest),
    "parameters": [
        {
            "name": KEY_HEADER,
            "in": "header",
            "required": False,
            "description": "Any text of yours; send the request again with the same one when the answer was lost.",
            "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH, "pattern": KEY_PATTERN},
        }
    ],
}


@router.post(
    "/generate",
    status_code=202,
    response_model=Accepted,
    responses=documented(400, 401, 403, 409, 413, 422, 429, 503),
    openapi_extra=_DOCUMENT,
)
async def generate(request: Request) -> Response:
    """202 means that the job is stored and cannot get lost; ask /status/{job_id} for it."""
    services, caller = services_of(request), caller_of(request)
    body = await body_of(request, services.asks)
    client_id = client_of(caller, body.client_id)
    state = request.scope["state"]
    state["client_id"] = client_id
    submission = Submission(
        job=JobId.new(services.settings.region_short, services.watch.moment()),
        request=body if body.client_id else body.model_copy(update={"client_id": client_id}),
        owner=caller.owner(client_id),
        key=_key(request.headers),
        request_id=state["request_id"],
        trace_parent=_trace(request.headers),
    )
    try:
        receipt = await services.intake.accept(submission)
    except KeyReused:
        detail = "This Idempotency-Key was used with another body; use a new key."
        raise ProblemError(422, detail, code="idempotency_key_reused") from None
    except KeyBusy:
        detail = "A request with this Idempotency-Key is being handled; try again shortly."
        raise ProblemError(409, detail, {"Retry-After": "1"}, code="idempotency_key_busy") from None
    job = str(receipt.job)
    state["job_id"] = job
    headers = {**NO_STORE, "Location": f"/status/{job}", "Retry-After": ASK_AGAIN_SECONDS}
    if receipt.replayed:
        headers["Idempotency-Replayed"] = "true"
        # The answer was paid for the first time.
        if "counted" in state:
            await services.limiter.give_back(state["counted"])
    accepted = Accepted.model_construct(job_id=job, status_url=f"/status/{job}")
    return Response(accepted.model_dump_json(), 202, headers, "application/json")


def _key(headers: Headers) -> str | None:
    given = headers.get(KEY_HEADER)
    if given is not None and not (len(given) <= KEY_LENGTH and _KEY.match(given)):
        raise invalid(f"header.{KEY_HEADER}", f"Give 1 to {KEY_LENGTH} visible ASCII characters")
    return given


def _trace(headers: Headers) -> str | None:
    """The caller's trace, which the job carries on; what cannot be a traceparent (W3C) is dropped."""
    given = headers.get("traceparent")
    return given if given is not None and len(given) <= TRACE_LENGTH and given.isascii() else None
