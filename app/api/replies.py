"""Answers that no cache may keep: a model, or JSON that is there already."""

from pydantic import BaseModel
from starlette.responses import Response

from app.api.callers import NO_STORE


def shown(model: BaseModel, status: int = 200, **headers: str) -> Response:
    """A model as JSON."""
    return Response(model.model_dump_json(), status, {**NO_STORE, **headers}, "application/json")


def as_json(body: str | bytes) -> Response:
    """JSON text."""
    return Response(body, 200, NO_STORE, "application/json")
