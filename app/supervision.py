"""The background tasks of a process: one that fails is logged, counted and started again, and its state can be asked.

Without this a task that ends by an exception is gone for good, and nothing says so.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import structlog

from app.telemetry.metrics import BACKGROUND_FAILURES

_LOG = structlog.get_logger("app.supervision")
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
# A task that has run for so long since it was started is well again.
WELL_SECONDS = 5.0

Loop = Callable[[], Awaitable[None]]


class Supervisor:
    """Runs loops that are expected to end by cancellation only."""

    def __init__(self) -> None:
        self._failing_since: dict[str, float] = {}
        self._started: dict[str, float] = {}

    @asynccontextmanager
    async def background(self, **loops: Loop) -> AsyncIterator[None]:
        """Keep loops running, by name, for the block; they are cancelled and awaited at its end."""
        tasks = [asyncio.create_task(self._keep(name, loop), name=name) for name, loop in loops.items()]
        try:
            yield
        finally:
            await ended(tasks)
            for name in loops:
                self._failing_since.pop(name, None)

    def down(self, seconds: float = 0.0) -> tuple[str, ...]:
        """The tasks that have been failing for longer than `seconds`."""
        now = time.monotonic()
        return tuple(
            name
            for name, since in self._failing_since.items()
            if now - since >= seconds and now - self._started.get(name, now) < WELL_SECONDS
        )

    async def _keep(self, name: str, loop: Loop) -> None:
        pause = SHORTEST_PAUSE_SECONDS
        BACKGROUND_FAILURES.labels(name)
        while True:
            began = self._started[name] = time.monotonic()
            try:
                await loop()
                raise RuntimeError(f"the background task '{name}' came to an end by itself")
            except Exception as error:  # noqa: BLE001  whatever ends a task, it must begin again
                ran = time.monotonic() - began
                pause = SHORTEST_PAUSE_SECONDS if ran >= WELL_SECONDS else min(2 * pause, LONGEST_PAUSE_SECONDS)
                self._failed(name, error, ran, pause)
            await asyncio.sleep(pause)

    def _failed(self, name: str, error: Exception, ran: float, pause: float) -> None:
        del self._started[name]
        now = time.monotonic()
        since = now if ran >= WELL_SECONDS else self._failing_since.get(name, now)
        self._failing_since[name] = since
        BACKGROUND_FAILURES.labels(name).inc()
        _LOG.exception("background task failed", task=name, error_type=type(error).__name__, again_seconds=pause)


async def ended(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel tasks until they are over: a library that mistakes a cancellation for its own time limit goes on."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.5)
