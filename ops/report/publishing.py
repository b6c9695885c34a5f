"""Puts the comment on the pull request: the one of an earlier run is replaced, so there is always one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from ops.report.markdown import MARK

API: Final = "https://api.github.com"
ATTEMPTS: Final = 4
FIRST_PAUSE_SECONDS: Final = 1.0
TIMEOUT_SECONDS: Final = 20.0
PAGE: Final = 100
RETRIED: Final = (429, 500, 502, 503, 504)


class PublishingError(Exception):
    """The comment could not be published; its text is in the file that the message names."""


@dataclass(frozen=True)
class PullRequest:
    """Where the comment goes: ``owner/name`` and the number. The token is sent as a header and never shown."""

    repository: str
    number: int
    token: str
    api: str = API


def publish(body: str, where: PullRequest, pause: Callable[[float], None] = time.sleep) -> str:
    """Writes or replaces the comment and returns its address. Raises PublishingError after the last attempt."""
    headers = {"Authorization": f"Bearer {where.token}", "Accept": "application/vnd.github+json"}
    with httpx.Client(base_url=where.api, headers=headers, timeout=TIMEOUT_SECONDS) as client:
        base = f"/repos/{where.repository}/issues"
        mine = _find(client, f"{base}/{where.number}/comments", pause)
        if mine is None:
            answer = _ask(client, "POST", f"{base}/{where.number}/comments", body, pause)
        else:
            answer = _ask(client, "PATCH", f"{base}/comments/{mine}", body, pause)
    return str(answer.json().get("html_url", ""))


def _find(client: httpx.Client, path: str, pause: Callable[[float], None]) -> int | None:
    page = 1
    while True:
        found = _ask(client, "GET", f"{path}?per_page={PAGE}&page={page}", None, pause).json()
        for one in found:
            if MARK in str(one.get("body")):
                return int(one["id"])
        if len(found) < PAGE:
            return None
        page += 1


def _ask(
    client: httpx.Client, method: str, path: str, body: str | None, pause: Callable[[float], None]
) -> httpx.Response:
    problem = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            answer = client.request(method, path, json=None if body is None else {"body": body})
        except httpx.TransportError as error:
            problem = type(error).__name__
            continue
        if answer.is_success:
            return answer
        problem = f"status {answer.status_code}"
        if answer.status_code not in RETRIED:
            break
    raise PublishingError(f"{method} {path}: {problem}")
