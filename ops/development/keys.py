"""Single keys of a terminal, without the need of Enter."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def pressed(act: Callable[[str], None]) -> Iterator[bool]:
    """Calls ``act`` with each key while the event loop runs; False where there is no terminal to press one on. The
    terminal is afterwards as it was; Ctrl-C interrupts as always.
    """
    if not sys.stdin.isatty():
        yield False
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    loop = asyncio.get_running_loop()
    tty.setcbreak(terminal)
    loop.add_reader(terminal, lambda: [act(key) for key in os.read(terminal, 64).decode(errors="ignore")])
    try:
        yield True
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
