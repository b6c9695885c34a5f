"""Additions to the OpenAPI document that the framework cannot see: problems, credentials, headers of answers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from fastapi import FastAPI
from pydantic import BaseModel

from app.api.problems import PLACE, RETRY_AFTER, Problem

SCHEMES: Final = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Session": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "AdminToken": {"type": "apiKey", "in": "header", "name": "X-Admin-Token"},
    "BillingSignature": {"type": "apiKey", "in": "header", "name": "X-Webhook-Signature"},
}
OPEN: Final = ("/health", "/ready", "/api/health", "/api/ready", "/metrics", "/config-status")
"""Paths that ask for no credentials, and are not counted."""
_NUMBER: Final = {"schema": {"type": "integer", "minimum": 0}}
LIMIT_HEADERS: Final = {
    "X-RateLimit-Limit": {"description": "Requests that the narrowest window lets pass.", **_NUMBER},
    "X-RateLimit-Remaining": {"description": "How many of them are left.", **_NUMBER},
    "X-RateLimit-Reset": {"description": "Seconds until one more fits.", **_NUMBER},
    "RateLimit": {
        "description": "The same as an IETF field: name, r left, t seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {"description": "Every window: name, q requests, w seconds.", "schema": {"type": "string"}},
}
ACCEPTED_HEADERS: Final = {
    "Location": {"description": "Where to ask for the job.", "schema": {"type": "string"}},
    "Retry-After": RETRY_AFTER,
    "Idempotency-Replayed": {"description": "`true` when the job was made before.", "schema": {"type": "string"}},
}

Operation = dict[str, object]


def complete(app: FastAPI, *, keys_required: bool, schemas: Sequence[type[BaseModel]] = ()) -> None:
    """Make the application's document whole when it is first asked for; ``schemas`` are those that routes describe by
    reference, because the framework does not see them in their signatures.
    """
    original = app.openapi

    def openapi() -> dict[str, object]:
        document: dict[str, dict[str, dict[str, Operation]]] = original()
        parts = document.setdefault("components", {})
        for model in (Problem, *schemas):
            schema = model.model_json_schema(ref_template=PLACE)
            parts.setdefault("schemas", {}).update({**schema.pop("$defs", {}), model.__name__: schema})
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["security"] = security_of(path, keys_required=keys_required)
                if not path.startswith(OPEN):
                    _with_headers(operation, LIMIT_HEADERS)
        used = {name for one in _securities(document["paths"], keys_required=keys_required) for name in one}
        parts["securitySchemes"] = {name: dict(scheme) for name, scheme in SCHEMES.items() if name in used}
        generate = document["paths"].get("/generate", {}).get("post")
        if generate is not None:
            _with_headers(generate, ACCEPTED_HEADERS, only="202")
        return dict(document)

    app.openapi = openapi  # type: ignore[method-assign]


def _securities(paths: Iterable[str], *, keys_required: bool) -> Iterator[dict[str, list[str]]]:
    for path in paths:
        yield from security_of(path, keys_required=keys_required)


def security_of(path: str, *, keys_required: bool) -> list[dict[str, list[str]]]:
    """Credentials that a path asks for; any one of them is enough, and an empty one says that none is needed."""
    if path.startswith(OPEN):
        return []
    if path.startswith("/admin/"):
        return [{"AdminToken": []}]
    if path.startswith("/webhooks/"):
        return [{"BillingSignature": []}]
    always = path in ("/export", "/erase")
    return [{"ApiKey": []}, {"Session": []}, *([] if keys_required or always else [{}])]


def _with_headers(operation: Operation, headers: Mapping[str, object], only: str = "") -> None:
    replies = operation.get("responses")
    assert isinstance(replies, dict)
    for status, reply in replies.items():
        if only in ("", status):
            reply["headers"] = {**headers, **reply.get("headers", {})}
