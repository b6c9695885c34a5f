"""The busiest routes: the request goes to the endpoint as it is, and its body is read as bytes and checked once, by the
model itself. The framework would parse it into dictionaries first and look every parameter up again, which costs more
than everything else in the request.
"""

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from app.api.problems import reference

Body = TypeVar("Body", bound=BaseModel)
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;|$)", re.IGNORECASE)


class Direct(APIRoute):
    """Hands the request to the endpoint as it is. Dependencies are not asked either: it asks ``caller_of`` itself."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[None, None, Response]]:
        """FastAPI's own place for this."""
        return self.endpoint


def body_document(model: type[BaseModel]) -> dict[str, object]:
    """OpenAPI's description of a body that the framework does not see."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": reference(model)}}}}


async def body_of(request: Request, model: type[Body]) -> Body:
    """The body as its model. Raises RequestValidationError, which names every wrong field."""
    if not _JSON.match(request.headers.get("content-type", "")):
        raise invalid("body", "Send JSON, with Content-Type: application/json")
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([_in_body(one) for one in problems]) from None


def invalid(place: str, message: str) -> RequestValidationError:
    """Refusal of one part of a request, ``body`` or ``header.<name>``."""
    return RequestValidationError([{"loc": tuple(place.split(".", 1)), "msg": message, "type": "value_error"}])


def _in_body(problem: Mapping[str, object]) -> dict[str, object]:
    place = problem["loc"]
    assert isinstance(place, tuple)
    return {**problem, "loc": ("body", *place)}
