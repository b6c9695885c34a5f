"""Progress of a build: packages compiled of all, and the time left by the pace so far."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection
from typing import TextIO

from localcloud.toolchain.compiler import Say

BAR_CELLS = 24
REDRAW_SECONDS = 0.2
QUARTERS = 4
"""Without a terminal a line is printed at each of so many equal parts, and no more."""


class Progress:
    """A bar on a terminal that is redrawn in place; elsewhere a few whole lines by ``say``.

    ``packages`` are all that the build has; of them ``compiled`` were compiled by an earlier build that was cut off.
    """

    def __init__(
        self,
        name: str,
        packages: Collection[str],
        compiled: Collection[str],
        say: Say,
        stream: TextIO = sys.stderr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._say, self._stream, self._clock = name, say, stream, clock
        self._all = frozenset(packages)
        self._done = set(self._all & frozenset(compiled))
        self._at_start = len(self._done)
        self._start = self._drawn = clock()
        self._told = self._quarter()

    def compiled(self, package: str) -> None:
        """One package more; a line of the compiler that is no package of the build changes nothing."""
        if package not in self._all:
            return
        self._done.add(package)
        now = self._clock()
        if self._stream.isatty():
            if now - self._drawn >= REDRAW_SECONDS or len(self._done) == len(self._all):
                self._drawn = now
                self._stream.write(f"\r\x1b[2K{self._bar()}")
                self._stream.flush()
        elif self._quarter() > self._told:
            self._told = self._quarter()
            self._say(self.text())

    def end(self) -> None:
        """Takes the bar away, so that the next line begins where it was."""
        if self._stream.isatty():
            self._stream.write("\r\x1b[2K")
            self._stream.flush()

    def text(self) -> str:
        count = f"{self._name}: {len(self._done)} of {len(self._all)} packages compiled"
        if len(self._done) == len(self._all):
            return f"{count}, linking"
        left = self._seconds_left()
        return count if left is None else f"{count}, {_duration(left)} left"

    def _bar(self) -> str:
        filled = BAR_CELLS * len(self._done) // max(1, len(self._all))
        return f"  [{'#' * filled}{'.' * (BAR_CELLS - filled)}] {self.text()}"

    def _seconds_left(self) -> float | None:
        made = len(self._done) - self._at_start
        if made == 0:
            return None
        return (self._clock() - self._start) / made * (len(self._all) - len(self._done))

    def _quarter(self) -> int:
        return QUARTERS * len(self._done) // max(1, len(self._all))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
