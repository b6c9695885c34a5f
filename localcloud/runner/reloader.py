"""The runner's end of a container whose program can be run anew in place (reloading.py)."""

from __future__ import annotations

import asyncio
import os
import socket
from asyncio.subprocess import Process as Child
from pathlib import Path

import psutil

from localcloud.runner.child import spawn
from localcloud.runner.images import Process

ANSWER_SECONDS = 5.0


class Reloader:
    """A started container and the socket that it listens to."""

    def __init__(self, child: Child, channel: socket.socket) -> None:
        self._child, self._channel = child, channel

    @classmethod
    async def start(cls, process: Process, log: Path) -> tuple[Child, Reloader]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs, log.open("ab") as output:
            child = await spawn(
                process.argv, process.environment, process.identity, output.fileno(), stdin=theirs.fileno()
            )
        return child, cls(child, ours)

    async def reload(self) -> bool:
        """True once the old program has ended and the new one is about to begin; False where that cannot be."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await loop.sock_sendall(self._channel, b"r")
                return bool(await loop.sock_recv(self._channel, 1))
        except (OSError, TimeoutError):
            return False

    def close(self) -> None:
        """After its end: whatever is left of its session, which has groups of its own, ends as well."""
        self._channel.close()
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self._child.pid:
                    process.kill()
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue
