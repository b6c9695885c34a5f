"""Waiting for something that another task or thread brings about."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


def until(happened: Callable[[], bool]) -> None:
    """Until it has happened, for half a minute at most."""
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def happens(happened: Callable[[], bool]) -> None:
    """The same while the loop goes on."""
    await asyncio.to_thread(until, happened)
