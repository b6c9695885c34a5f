"""One command at a time works on a stack: a second one waits for the first, whose engine it would otherwise take for
one that was left behind.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from localcloud.paths import cache_root
from localcloud.toolchain.compiler import Say

_held: dict[Path, ExitStack] = {}


@contextmanager
def alone(folder: Path, say: Say) -> Iterator[None]:
    """Lock on the stack of that folder for the block; a block inside it has the lock already. It goes with the process,
    however that ends.
    """
    if folder in _held:
        yield
        return
    hold(folder, say)
    try:
        yield
    finally:
        _held.pop(folder).close()


def hold(folder: Path, say: Say) -> None:
    """Lock on the stack of that folder for the rest of this process."""
    if folder in _held:
        return
    with ExitStack() as stack:
        # Not in the folder, which goes with the stack while others wait.
        locks = cache_root() / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        handle = stack.enter_context((locks / name).open("a+"))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            say(f"{handle.read().strip() or 'another command'} is at work on {folder.name}: waiting for its end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        handle.truncate()
        handle.write(f"process {os.getpid()} ({' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])})\n")
        handle.flush()
        _held[folder] = stack.pop_all()
