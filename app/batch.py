"""Doing many small things at once: what arrives while batches are under way waits for one and shares the next.

A lone request does not wait; under load one round trip serves many. Where a batch is expensive and not urgent, a window
lets others come first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.limits import PENDING_SECONDS, PENDING_SUBMISSIONS

T = TypeVar("T")
R = TypeVar("R")


REQUESTS_A_COMMIT = 200
# One waits for the database and its disk while the next is sent; with one alone a process idles a fifth of the time
# under load, with three it is no faster and its smaller batches take a tenth more of its processor.
COMMITS_AT_ONCE = 2
MOST_WAITING = 2000
LONGEST_WAIT_SECONDS = 15.0


class OverloadedError(Exception):
    """Too many wait already, or this item has waited too long. Nothing was done with it, and nothing will be."""


@dataclass(frozen=True, eq=False)
class _Entry(Generic[T, R]):
    """Request of one caller that waits for its batch; ``due`` is when its batch begins at the latest, by the loop's
    clock.
    """

    item: T
    answer: "asyncio.Future[R]"
    due: float


class Batcher(Generic[T, R]):
    """Hands items in batches to `handle`, which answers one result for each, in order.

    A batch begins `window` seconds after its first item, or as soon as it is the `largest` there may be. As many as
    `at_once` are under way together: with two, one is gathered and sent while another waits for the disk. No more than
    `most` items wait, none longer than `patience` seconds, and one whose asker has left is dropped.
    """

    def __init__(
        self,
        handle: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        largest: int,
        *,
        window: float = 0.0,
        at_once: int = 1,
        most: int = MOST_WAITING,
        patience: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        self._handle = handle
        self._largest = largest
        self._window = window
        self._at_once = at_once
        self._most = most
        self._patience = patience
        self._full = asyncio.Event()
        self._waiting: list[_Entry[T, R]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, item: T) -> R:
        """The item's result. Raises what the batch raised, and OverloadedError."""
        if len(self._waiting) >= self._most:
            raise OverloadedError(f"{self._most} items wait already")
        loop = asyncio.get_running_loop()
        entry: _Entry[T, R] = _Entry(item, loop.create_future(), loop.time() + self._window)
        self._waiting.append(entry)
        if len(self._waiting) >= self._largest:
            self._full.set()
        if len(self._running) < self._at_once:
            self._running.add(asyncio.create_task(self._run()))
        timer = loop.call_later(self._patience, self._give_up, entry)
        try:
            return await entry.answer
        finally:
            timer.cancel()
            if entry in self._waiting:
                self._waiting.remove(entry)

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._running, return_exceptions=True)

    def _give_up(self, entry: "_Entry[T, R]") -> None:
        if entry in self._waiting:
            entry.answer.set_exception(OverloadedError(f"no batch within {self._patience:.0f} s"))

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
            results = await self._handle([entry.item for entry in batch])
        except BaseException as error:
            for entry in batch:
                if not entry.answer.done():
                    entry.answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for entry, result in zip(batch, results, strict=True):
            if not entry.answer.done():
                entry.answer.set_result(result)

    async def _gather(self) -> None:
        """Wait until a batch is due: what was full when this began to wait may be another's batch by now."""
        loop = asyncio.get_running_loop()
        while 0 < len(self._waiting) < self._largest and (left := self._waiting[0].due - loop.time()) > 0:
            self._full.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._full.wait()


def sharing_commits(commit: Callable[[Sequence[T]], Awaitable[Sequence[R]]]) -> Batcher[T, R]:
    """For requests that are each answered after a durable commit, whose price many of them pay together."""
    return Batcher(
        commit, REQUESTS_A_COMMIT, at_once=COMMITS_AT_ONCE, most=PENDING_SUBMISSIONS, patience=PENDING_SECONDS
    )
