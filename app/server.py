"""uvicorn, with a drain: on SIGTERM /ready turns 503 first, and the listener closes a little later."""

import os
import signal
import sys
import tempfile
import threading
from types import FrameType

import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from app import limits
from app.connections import BoundedHttp
from app.lifecycle import Lifecycle
from app.process_settings import ProcessSettings


class Factory:
    """Makes the application inside the server's process; a class because worker processes are spawned (pickled)."""

    def __init__(self, role: str, drain_seconds: float) -> None:
        self._role = role
        self._drain_seconds = drain_seconds

    def __call__(self) -> ASGIApp:
        """Called by uvicorn after it took over the signals, so that the drain can stand before its own handler."""
        lifecycle = Lifecycle()
        drain_first(lifecycle, self._drain_seconds)
        # Each role imports what it needs: the front end is a third smaller without the rest.
        if self._role == "frontend":
            from app.frontend import from_environment as frontend

            return frontend(lifecycle)
        if self._role == "workflows-page":
            from app.workflow_dashboard.frontend import from_environment as workflows_page

            return workflows_page(lifecycle)
        if self._role == "workflows":
            from app.workflow_dashboard.application import from_environment as workflows

            return workflows(lifecycle)
        from app.api.application import Role, from_environment

        return from_environment(Role(self._role), lifecycle)


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


class _Workers(Multiprocess):
    """uvicorn's, except that the gauges of a process that died end with it; they would be added up for ever."""

    def keep_subprocess_alive(self) -> None:
        """Replaces the dead."""
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for dead in before - {process.pid for process in self.processes}:
            mark_process_dead(dead)  # type: ignore[no-untyped-call]


def serve(settings: ProcessSettings, role: str) -> None:
    """Serve a role until a signal. Worker processes share one listener; a dead one is started again (E10)."""
    workers = settings.uvicorn_workers if role != "worker" else 1
    config = uvicorn.Config(
        Factory(role, settings.drain_seconds),
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
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
    if workers == 1:
        uvicorn.Server(config).run()
        return
    with tempfile.TemporaryDirectory(prefix="contentgen-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        _Workers(config, [config.bind_socket()]).run()


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
