"""A runner outlives a busy or restarted API server: what it has to say is said in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx2
import pytest
from lightkube import ApiError

from localcloud.runner import insisting
from localcloud.runner.insisting import insist


def _refusal(code: int) -> ApiError:
    request = httpx2.Request("GET", "http://127.0.0.1/")
    body = {"kind": "Status", "code": code, "message": "refused", "reason": "x", "status": "Failure"}
    return ApiError(request=request, response=httpx2.Response(code, json=body, request=request))


def _answers(*outcomes: Exception | str) -> Callable[[], object]:
    left = list(outcomes)

    async def call() -> str:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return call


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insisting, "RETRY_SECONDS", 0)


def test_a_busy_or_absent_server_is_asked_again() -> None:
    call = _answers(httpx2.ConnectError("gone"), _refusal(503), _refusal(429), httpx2.ReadTimeout("slow"), "done")
    assert asyncio.run(insist(call, "x")) == "done"


def test_what_is_gone_needs_no_answer() -> None:
    assert asyncio.run(insist(_answers(_refusal(404)), "x")) is None


def test_a_refusal_that_stays_is_not_asked_again() -> None:
    with pytest.raises(ApiError):
        asyncio.run(insist(_answers(_refusal(403), "never"), "x"))
