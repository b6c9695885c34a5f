"""Errors as RFC 9457 problem documents: what was wrong, where, and what to do about it; nothing about our inside."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.batch import OverloadedError
from app.database import DatabaseUnavailable, OutcomeUnknown
from app.limits import FIELD_PROBLEMS

MEDIA_TYPE = "application/problem+json"
MAY_BE_STORED = (
    "The database did not say whether the request was stored. Send it again with the same Idempotency-Key: then it is"
    " done once, whichever it was."
)
PLACE = "#/components/schemas/{model}"
RETRY_AFTER = {"description": "Seconds until it is worth asking again.", "schema": {"type": "integer", "minimum": 0}}


class FieldProblem(BaseModel):
    """One wrong field of a request."""

    field: str = Field(examples=["body.topic"])
    message: str = Field(examples=["String should have at least 3 characters"])


class Problem(BaseModel):
    """RFC 9457."""

    type: str = Field("about:blank", description="about:blank: the status says it all.")
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404], ge=400, le=599)
    code: str = Field(examples=["job_not_found"], description="The same for the same cause; for programs.")
    detail: str = Field(examples=["There is no such job."])
    instance: str | None = Field(None, description="The request's id, for a message to support.")
    errors: list[FieldProblem] = Field([], description="Each wrong field, when the request was invalid.")


class ProblemError(Exception):
    """Raised by routes to answer with a problem."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, *, code: str | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.code = status, detail, dict(headers or {}), code


def response(
    status: int,
    detail: str,
    *,
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[FieldProblem] = (),
    code: str | None = None,
) -> Response:
    """A problem as a reply; its code is the status' own name unless one is given."""
    kind = HTTPStatus(status)
    problem = Problem(
        title=kind.phrase,
        status=status,
        code=code or kind.name.lower(),
        detail=detail,
        instance=request_id,
        errors=list(errors),
    )  # type: ignore[call-arg]
    return Response(problem.model_dump_json(exclude_none=True), status, dict(headers or {}), MEDIA_TYPE)


async def send_problem(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    *,
    code: str | None = None,
) -> None:
    """Answer from a middleware."""
    request_id = scope.get("state", {}).get("request_id")
    await response(status, detail, request_id=request_id, headers=headers, code=code)(scope, receive, send)


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The error replies of a route, for the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": reference(Problem)}}
    replies: dict[int | str, dict[str, object]] = {}
    for status in statuses:
        replies[status] = {"description": HTTPStatus(status).phrase, "content": content}
        if status in (429, 503):
            replies[status]["headers"] = {"Retry-After": RETRY_AFTER}
    return replies


def reference(model: type[BaseModel]) -> dict[str, str]:
    """A schema that stands among the document's components (app.api.document)."""
    return {"$ref": PLACE.format(model=model.__name__)}


def install(app: FastAPI) -> None:
    """Every error of the framework and of ours becomes a problem."""

    @app.exception_handler(ProblemError)
    async def _ours(request: Request, error: ProblemError) -> Response:
        return response(error.status, error.detail, request_id=_id(request), headers=error.headers, code=error.code)

    @app.exception_handler(HTTPException)
    async def _framework(request: Request, error: HTTPException) -> Response:
        return response(error.status_code, str(error.detail), request_id=_id(request), headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        found = error.errors()
        errors = [
            FieldProblem(field=".".join(str(part) for part in problem["loc"])[:200], message=problem["msg"][:500])
            for problem in found[:FIELD_PROBLEMS]
        ]
        more = f", and {len(found) - len(errors)} more" if len(found) > len(errors) else ""
        return response(422, f"The request does not fit; see errors{more}.", request_id=_id(request), errors=errors)

    @app.exception_handler(OverloadedError)
    async def _overloaded(request: Request, _: OverloadedError) -> Response:
        detail = "More requests wait for the database than this process holds; nothing was stored."
        return response(503, detail, request_id=_id(request), headers={"Retry-After": "2"}, code="overloaded")

    @app.exception_handler(DatabaseUnavailable)
    async def _database(request: Request, error: DatabaseUnavailable) -> Response:
        request.scope["state"]["error_type"] = "database_unavailable"
        unknown = isinstance(error, OutcomeUnknown)
        return response(
            503,
            MAY_BE_STORED if unknown else "The database is not available; nothing was stored.",
            request_id=_id(request),
            headers={"Retry-After": "5"},
            code="outcome_unknown" if unknown else "database_unavailable",
        )


def _id(request: Request) -> str | None:
    return request.scope.get("state", {}).get("request_id")
