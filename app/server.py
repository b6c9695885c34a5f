"""uvicorn, with a drain: on SIGTERM /ready turns 503 first, and the listener closes a little later."""

import os
import signal
import sys
import tempfile
import threading
import time
from collections import deque
from socket import socket
from types import FrameType
from typing import Final

import structlog
import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from app import limits
from app.connections import BoundedHttp
from app.lifecycle import Lifecycle
from app.process_settings import ProcessSettings
from app.product import Process
from app.products import application_of

_LOG = structlog.get_logger("app.server")


class Factory:
    """Makes the application inside the server's process; a class because worker processes are spawned (pickled)."""

    def __init__(self, process: Process, drain_seconds: float) -> None:
        self._process = process
        self._drain_seconds = drain_seconds

    def __call__(self) -> ASGIApp:
        """Called by uvicorn after it took over the signals, so that the drain can stand before its own handler."""
        lifecycle = Lifecycle()
        drain_first(lifecycle, self._drain_seconds)
        return application_of(self._process, lifecycle)


def drain_first(lifecycle: Lifecycle, seconds: float) -> None:
    """The first SIGTERM drains and reaches uvicorn `seconds` later; the second reaches it at once."""
    close = signal.getsignal(signal.SIGTERM)

    def drain(number: int, frame: FrameType | None) -> None:
        first, lifecycle.draining = not lifecycle.draining, True
        if not callable(close):
            return
        if first and seconds > 0:
            timer = threading.Timer(seconds, close, (number, frame))
            timer.daemon = True
            timer.start()
        else:
            close(number, frame)

    signal.signal(signal.SIGTERM, drain)


HUNG_SECONDS: Final = 15
"""A server process that does not answer its parent for so long is replaced. On a busy machine one needs more than
uvicorn's five seconds until it has begun, and would be killed at each start.
"""
DEATHS: Final = 5
DEATHS_SECONDS: Final = 30.0
"""So many deaths within so many seconds are not bad luck: the processes cannot live, and the container must end."""


class _Workers(Multiprocess):
    """uvicorn's, except that the gauges of a process that died end with it (they would be added up for ever), and that
    processes that cannot live end the whole, so that the cluster sees it and waits longer each time.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self.failed = False

    def keep_subprocess_alive(self) -> None:
        """Replaces the dead."""
        before = {process.pid for process in self.processes}
        ending = self.should_exit.is_set()
        super().keep_subprocess_alive()
        # One that fails before it serves ends all at once: it would fail again.
        self.failed = self.failed or (not ending and self.should_exit.is_set())
        for dead in before - {process.pid for process in self.processes}:
            mark_process_dead(dead)  # type: ignore[no-untyped-call]
            self._deaths.append(time.monotonic())
        if len(self._deaths) == DEATHS and self._deaths[-1] - self._deaths[0] <= DEATHS_SECONDS:
            _LOG.error("server processes cannot live", deaths=DEATHS, seconds=DEATHS_SECONDS)
            self.failed = True
            self.should_exit.set()


def serve(settings: ProcessSettings, process: Process) -> None:
    """Run a process until a signal. Worker processes share one listener; a dead one is started again (E10)."""
    workers = settings.uvicorn_workers if process.many else 1
    config = uvicorn.Config(
        Factory(process, settings.drain_seconds),
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
        timeout_worker_healthcheck=HUNG_SECONDS,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.grace_seconds,
        http=BoundedHttp,
        limit_concurrency=limits.CONNECTIONS,
        timeout_keep_alive=limits.KEEP_ALIVE_SECONDS,
        ws_max_size=limits.SOCKET_MESSAGE_BYTES,
    )
    # uvicorn raises the signal again when it is done; a clean end is no death by signal.
    signal.signal(signal.SIGTERM, _end)
    sockets = [_listening(config, port) for port in settings.ports]
    if workers == 1:
        uvicorn.Server(config).run(sockets)
        return
    with tempfile.TemporaryDirectory(prefix="contentgen-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        supervisor = _Workers(config, sockets)
        supervisor.run()
    if supervisor.failed:
        sys.exit(1)


def _listening(config: uvicorn.Config, port: int) -> socket:
    """A bound socket on the server's host; ends the process with a message when the port is taken."""
    return uvicorn.Config(config.app, host=config.host, port=port, log_config=None).bind_socket()


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
