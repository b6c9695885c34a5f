"""Doing many small things at once: what arrives while a batch is under way waits for it and shares the next one.

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

    A batch begins `window` seconds after its first item, or as soon as it is the `largest` there may be.
    """

    def __init__(
        self, handle: Callable[[Sequence[T]], Awaitable[Sequence[R]]], largest: int, window: float = 0.0
    ) -> None:
        self._handle = handle
        self._largest = largest
        self._window = window
        self._full = asyncio.Event()
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, item: T) -> R:
        """The item's result. Raises what the batch raised."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if len(self._waiting) >= self._largest:
            self._full.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await answer

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            if self._window:
                await self._gather()
            batch, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
            try:
                results = await self._handle([item for item, _ in batch])
            except BaseException as error:
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                if not isinstance(error, Exception):
                    raise
                continue
            for (_, answer), result in zip(batch, results, strict=True):
                if not answer.done():
                    answer.set_result(result)

    async def _gather(self) -> None:
        if len(self._waiting) < self._largest:
            self._full.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._full.wait(), self._window)
