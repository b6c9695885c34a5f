"""An im that takes exactly one second for a text, so that everything above a second is the queue's and the worker's."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.domain import Assignment, ContentType
from app.writers.embedded import EmbeddedWriter

SECONDS = 1.0
_ASSIGNMENT = Assignment(topic="One second", content_type=ContentType.BLOG)
# Made once: writing it anew would keep the other requests waiting for longer than their second.
_ANSWER = asyncio.run(EmbeddedWriter().write(_ASSIGNMENT, "embedded-standard")).model_dump_json()


async def write(request: Request) -> Response:
    """The same text for everybody, after a second."""
    await request.body()
    await asyncio.sleep(SECONDS)
    return Response(_ANSWER, media_type="application/json")


async def health(_: Request) -> Response:
    """Always."""
    return Response("{}")


app = Starlette(routes=[Route("/v1/write", write, methods=["POST"]), Route("/health", health)])
