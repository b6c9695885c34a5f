"""Jobs that are watched: one question to the database for all of them, whatever the number of sockets (E08)."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from app.database import DatabaseUnavailable
from app.ids import JobId
from app.job import Job
from app.jobs import JobStore
from app.limits import SOCKETS_PER_CALLER, SOCKETS_PER_PROCESS

LOOK_SECONDS: Final = 0.4
_LOG = structlog.get_logger("app.progress")


class TooManySockets(Exception):
    """The process has no room for another socket."""


class TooManyOfCaller(TooManySockets):
    """The caller has as many sockets as one may have."""


@dataclass(eq=False)
class Watcher:
    """One socket's view of a job: the newest state, and a signal when there is a newer one."""

    job: Job
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Progress:
    """Registry of watched jobs, and the loop that looks for changes while any is watched."""

    def __init__(self) -> None:
        self._watchers: dict[JobId, set[Watcher]] = {}
        self._by_caller: Counter[str] = Counter()
        self._some = asyncio.Event()

    @contextmanager
    def admitted(self, caller: str, most: int = SOCKETS_PER_CALLER) -> Iterator[None]:
        """Room for a socket of this caller for the length of the block. Raises TooManySockets."""
        if self._by_caller.total() >= SOCKETS_PER_PROCESS:
            raise TooManySockets
        if self._by_caller[caller] >= most:
            raise TooManyOfCaller
        self._by_caller[caller] += 1
        try:
            yield
        finally:
            self._by_caller[caller] -= 1
            if not self._by_caller[caller]:
                del self._by_caller[caller]

    @contextmanager
    def watching(self, job: Job) -> Iterator[Watcher]:
        """Changes of a job for the length of the block."""
        watcher = Watcher(job)
        self._watchers.setdefault(job.id, set()).add(watcher)
        self._some.set()
        try:
            yield watcher
        finally:
            self._watchers[job.id].discard(watcher)
            if not self._watchers[job.id]:
                del self._watchers[job.id]

    async def follow(self, store: JobStore) -> None:
        """Look until cancelled; without watchers, nothing is asked."""
        while True:
            await self._some.wait()
            if not self._watchers:
                self._some.clear()
                continue
            try:
                await self._look(store)
            except DatabaseUnavailable as error:
                _LOG.warning("progress not read", error=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, store: JobStore) -> None:
        seen = {job: min(one.job.updated_at for one in watchers) for job, watchers in self._watchers.items()}
        for job in await store.changed_since(seen):
            for watcher in self._watchers.get(job.id, ()):
                watcher.job = job
                watcher.changed.set()
