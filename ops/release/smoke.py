"""Smoke tests: what a user does first, and what must be true of every answer, in a few seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

import httpx

from ops.release.process import StepError
from stacks.specs.paths import ALIVE_PATH, READY_PATH
from stacks.specs.trial import Trial

TIMEOUT_SECONDS: Final = 10.0
FINISHED_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.5
CLIENT: Final = "smoke-test"
JSON: Final = {"content-type": "application/json"}


def smoke(
    address: str,
    headers: Mapping[str, str],
    trial: Trial,
    host: str,
    session: str = "",
    pause: Callable[[float], None] = time.sleep,
    *,
    whole: bool = True,
) -> None:
    """Health, readiness, security headers, and if ``whole`` the product's first use. Raises StepError with what was
    wrong.

    ``host`` is the public name of the API: a region's own name answers other regions alone, so each region is asked at
    its own address by the name that clients use, in the request and in TLS. ``session`` is a token of CLIENT, for a
    stack whose API asks for a key.
    """
    own = {"Host": host, **({"Authorization": f"Bearer {session}"} if session else {})}

    def by_name(request: httpx.Request) -> None:
        request.extensions = {**request.extensions, "sni_hostname": host}

    hooks = {"request": [by_name]}
    try:
        with httpx.Client(base_url=address, timeout=TIMEOUT_SECONDS, headers=own, event_hooks=hooks) as client:
            for path in (ALIVE_PATH, READY_PATH):
                _headers(_expect(client.get(path), 200), headers)
            if whole:
                _tried(client, trial, pause)
    except httpx.HTTPError as error:
        raise StepError(f"{address} does not answer: {type(error).__name__}") from None
    except httpx.InvalidURL as error:
        raise StepError(f"{address} is no address: {error}") from None


def _field(answer: httpx.Response, name: str) -> str:
    """A text of an answer; a page, a list or a body without it is the release's fault."""
    try:
        value = json.loads(answer.content)[name]
    except (ValueError, KeyError, TypeError):
        value = None
    if not isinstance(value, str):
        raise StepError(f"{answer.request.method} {answer.request.url} answers no JSON object with a text {name!r}")
    return value


def _expect(answer: httpx.Response, status: int) -> httpx.Response:
    if answer.status_code != status:
        raise StepError(f"{answer.request.method} {answer.request.url} answers {answer.status_code}, not {status}")
    return answer


def _headers(answer: httpx.Response, wanted: Mapping[str, str]) -> None:
    for name, value in wanted.items():
        if answer.headers.get(name) != value:
            told = answer.headers.get(name)
            raise StepError(f"{answer.request.url} sends {name}: {told!r}, not {value!r}")


def _tried(client: httpx.Client, trial: Trial, pause: Callable[[float], None]) -> None:
    made = client.post(trial.path, content=trial.body.replace("CLIENT", CLIENT), headers=JSON)
    name = _field(_expect(made, trial.status), trial.identifier)
    place = trial.read.replace("ID", quote(name, safe=""))
    waited = 0.0
    while True:
        answer = _expect(client.get(place), 200)
        if trial.state is None:
            _field(answer, trial.identifier)
            break
        state = _field(answer, trial.state)
        if state == trial.done:
            break
        if state in trial.failed or waited >= FINISHED_SECONDS:
            raise StepError(f"{place} is {state} after {waited:g} s")
        pause(PAUSE_SECONDS)
        waited += PAUSE_SECONDS
    if trial.remove is not None:
        _expect(client.delete(trial.remove.replace("ID", quote(name, safe=""))), 204)
