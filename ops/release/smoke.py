"""Smoke tests: what a user does first, and what must be true of every answer, in a few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

import httpx

from ops.release.process import StepError

TIMEOUT_SECONDS: Final = 10.0
JOB_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.5
CLIENT: Final = "smoke-test"
REQUEST: Final[Mapping[str, str]] = {"topic": "smoke test", "content_type": "social", "client_id": CLIENT}
UNFINISHED: Final = ("pending", "in_progress")
"""States of a job that has not ended (app/domain.py)."""


def smoke(
    address: str,
    headers: Mapping[str, str],
    session: str = "",
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Health, readiness, security headers, and one job from request to text. Raises StepError with what was wrong.

    ``session`` is a token of CLIENT, for a stack whose API asks for a key.
    """
    own = {"Authorization": f"Bearer {session}"} if session else {}
    try:
        with httpx.Client(base_url=address, timeout=TIMEOUT_SECONDS, headers=own) as client:
            for path in ("/health", "/ready"):
                _headers(_expect(client.get(path), 200), headers)
            _job(client, pause)
    except httpx.HTTPError as error:
        raise StepError(f"{address} does not answer: {type(error).__name__}") from None


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
    id_ = _expect(client.post("/generate", json=dict(REQUEST)), 202).json()["job_id"]
    waited = 0.0
    while True:
        status = str(_expect(client.get(f"/status/{id_}"), 200).json()["status"])
        if status == "completed":
            return
        if status not in UNFINISHED or waited >= JOB_SECONDS:
            raise StepError(f"job {id_} is {status} after {waited:g} s")
        pause(PAUSE_SECONDS)
        waited += PAUSE_SECONDS
