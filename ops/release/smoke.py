"""Smoke tests: what a user does first, and what must be true of every answer, in a few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from ops.release.process import StepError

Answer = TypeVar("Answer", bound=BaseModel)

TIMEOUT_SECONDS: Final = 10.0
JOB_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.5
CLIENT: Final = "smoke-test"
REQUEST: Final[Mapping[str, str]] = {"topic": "smoke test", "content_type": "social", "client_id": CLIENT}
WITHOUT_A_TEXT: Final = frozenset({"failed", "cancelled", "expired"})
"""The ends of a job that are none for a smoke test; whatever is not an end is waited for."""


class Accepted(BaseModel):
    """The service's answer to a request, as far as a smoke test needs it."""

    job_id: str


class Status(BaseModel):
    """The state of a job, in the same way."""

    status: str


def smoke(
    address: str,
    headers: Mapping[str, str],
    session: str = "",
    pause: Callable[[float], None] = time.sleep,
    *,
    job: bool = True,
) -> None:
    """Health, readiness, security headers, and a job from request to text. Raises StepError with what was wrong.

    ``session`` is a token of CLIENT, for a stack whose API asks for a key.
    """
    own = {"Authorization": f"Bearer {session}"} if session else {}
    try:
        with httpx.Client(base_url=address, timeout=TIMEOUT_SECONDS, headers=own) as client:
            for path in ("/health", "/ready"):
                _headers(_expect(client.get(path), 200), headers)
            if job:
                _job(client, pause)
    except httpx.HTTPError as error:
        raise StepError(f"{address} does not answer: {type(error).__name__}") from None
    except httpx.InvalidURL as error:
        raise StepError(f"{address} is no address: {error}") from None


def _parsed(answer: httpx.Response, model: type[Answer]) -> Answer:
    """The body as a model; a page, a list or a body without what is needed is the release's fault."""
    try:
        return model.model_validate_json(answer.content)
    except ValidationError as error:
        wrong = error.errors()[0]
        said = f"{'.'.join(map(str, wrong['loc'])) or 'its body'}: {wrong['msg']}"
        raise StepError(
            f"{answer.request.method} {answer.request.url} answers what is no {model.__name__}: {said}"
        ) from None


def _expect(answer: httpx.Response, status: int) -> httpx.Response:
    if answer.status_code != status:
        raise StepError(f"{answer.request.method} {answer.request.url} answers {answer.status_code}, not {status}")
    return answer


def _headers(answer: httpx.Response, wanted: Mapping[str, str]) -> None:
    for name, value in wanted.items():
        if answer.headers.get(name) != value:
            told = answer.headers.get(name)
            raise StepError(f"{answer.request.url} sends {name}: {told!r}, not {value!r}")


def _job(client: httpx.Client, pause: Callable[[float], None]) -> None:
    id_ = _parsed(_expect(client.post("/generate", json=dict(REQUEST)), 202), Accepted).job_id
    waited = 0.0
    while True:
        status = _parsed(_expect(client.get(f"/status/{quote(id_, safe='')}"), 200), Status).status
        if status == "completed":
            return
        if status in WITHOUT_A_TEXT or waited >= JOB_SECONDS:
            raise StepError(f"job {id_} is {status} after {waited:g} s")
        pause(PAUSE_SECONDS)
        waited += PAUSE_SECONDS
