"""Doing many small things at once: what arrives while batches are under way waits for one and shares the next.

A lone request waits for nobody; under load one round trip serves many. Where a batch is dear and nobody is in a hurry,
a window lets others come first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Hands items in batches to `handle`, which answers one result for each, in order.

    A batch begins `window` seconds after its first item, or as soon as it is the `largest` there may be. As many as
    `at_once` are under way together: with two, one is gathered and sent while another waits for the disk.
    """

    def __init__(
        self,
        handle: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        largest: int,
        *,
        window: float = 0.0,
        at_once: int = 1,
    ) -> None:
        self._handle = handle
        self._largest = largest
        self._window = window
        self._at_once = at_once
        self._full = asyncio.Event()
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, item: T) -> R:
        """The item's result. Raises what the batch raised."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if len(self._waiting) >= self._largest:
            self._full.set()
        if len(self._running) < self._at_once:
            self._running.add(asyncio.create_task(self._run()))
        return await answer

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._next()
        finally:
            # At once, not by a callback: an item that comes in between would wait for a task that has ended.
            self._running.discard(asyncio.current_task())  # type: ignore[arg-type]

    async def _next(self) -> None:
        if self._window:
            await self._gather()
        batch, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
        if not batch:
            # Another took all of it while this one was gathering.
            return
        try:
            results = await self._handle([item for item, _ in batch])
        except BaseException as error:
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, answer), result in zip(batch, results, strict=True):
            if not answer.done():
                answer.set_result(result)

    async def _gather(self) -> None:
        if len(self._waiting) < self._largest:
            self._full.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._full.wait(), self._window)
