"""An im, and a language model, that take exactly one second for a text, so that everything above is the queue's."""

import asyncio
import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.domain import Assignment, ContentType
from app.writers.embedded import EmbeddedWriter

SECONDS = 1.0
_ASSIGNMENT = Assignment(topic="One second", content_type=ContentType.BLOG)
# Made once: writing it anew would keep the other requests waiting for longer than their second.
_DRAFT = asyncio.run(EmbeddedWriter().write(_ASSIGNMENT, "embedded-standard"))
_ANSWER = _DRAFT.model_dump_json()
_PARTS = {"title", "introduction", "sections", "conclusion", "hashtags"}
_COMPLETION = json.dumps(
    {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "slow",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": _DRAFT.content.model_dump_json(include=_PARTS)},
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 200, "total_tokens": 300},
    }
)


async def write(request: Request) -> Response:
    """The same text for everybody, after a second."""
    await request.body()
    await asyncio.sleep(SECONDS)
    return Response(_ANSWER, media_type="application/json")


async def complete(request: Request) -> Response:
    """The same as OpenAI's answer."""
    await request.body()
    await asyncio.sleep(SECONDS)
    return Response(_COMPLETION, media_type="application/json")


async def health(_: Request) -> Response:
    """Always."""
    return Response("{}")


app = Starlette(
    routes=[
        Route("/v1/write", write, methods=["POST"]),
        Route("/v1/chat/completions", complete, methods=["POST"]),
        Route("/health", health),
    ]
)
