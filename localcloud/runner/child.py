"""A process of a pod or of a managed store: in a session of its own, as the user it should be, never outliving us."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence

from localcloud.servers import Identity

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_the_runner() -> None:
    """Runs in the child: without it, a runner that is killed would leave orphaned servers behind."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def spawn(
    argv: Sequence[str],
    environment: Mapping[str, str],
    identity: Identity | None,
    output: int,
    stdin: int = asyncio.subprocess.DEVNULL,
) -> Process:
    """Starts the process with its output on a file descriptor. Raises OSError when there is no such program."""
    return await asyncio.create_subprocess_exec(
        *argv,
        env=dict(environment),
        stdin=stdin,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_die_with_the_runner,
        user=identity.uid if identity else None,
        group=identity.gid if identity else None,
        extra_groups=[] if identity else None,
    )


async def ended_within(child: Process, seconds: float) -> bool:
    """A cancellation always gets through: `asyncio.wait_for` of Python 3.11 loses one that comes as the child ends."""
    try:
        async with asyncio.timeout(seconds):
            await child.wait()
    except TimeoutError:
        return False
    return True


async def end(child: Process, grace_seconds: float) -> None:
    """SIGTERM, and SIGKILL after the grace time."""
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    if not await ended_within(child, grace_seconds):
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def end_what_it_started(child: Process) -> None:
    """SIGKILL for the processes that one which has ended left behind: with a container's first process all others go.

    Without it a hook's ``sleep`` would run on after its pod, orphaned.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
