"""Calls to the API server that must get through: it may be busy, or be restarted under a running cloud."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx2
from lightkube import ApiError

RETRY_SECONDS = 1.0
_BUSY = (408, 409, 429)
Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


async def insist(call: Callable[[], Awaitable[Answer]], what: str) -> Answer | None:
    """The answer, however often it takes to ask; None when what the call is about is gone.

    A refusal for any other reason is raised as it is: asking again would not help.
    """
    while True:
        try:
            return await call()
        except ApiError as error:
            code = error.status.code or 0
            if code == 404:
                return None
            if code < 500 and code not in _BUSY:
                raise
            log.warning("%s: %s; asking again", what, error)
        except httpx2.HTTPError as error:
            log.warning("%s: %s; asking again", what, type(error).__name__)
        await asyncio.sleep(RETRY_SECONDS)
