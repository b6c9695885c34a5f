"""uvicorn, with a drain: on SIGTERM /ready turns 503 first, and the listener closes a little later."""

import asyncio
import os
import tempfile
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess

from app.services import Lifecycle
from app.settings import Settings


class DrainingServer(uvicorn.Server):
    """Tells the application that it drains, and gives load balancers `seconds` to notice before it refuses them."""

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, seconds: float) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._seconds = seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains; the second ends at once."""
        if self._lifecycle.draining or self._seconds == 0:
            self._lifecycle.draining = True
            super().handle_exit(sig, frame)
            return
        self._lifecycle.draining = True
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, self._seconds, super().handle_exit, sig, frame)


class Factory:
    """Makes the application inside the server's process; a class because worker processes are spawned (pickled)."""

    def __init__(self, role: str, lifecycle: Lifecycle) -> None:
        self._role = role
        self._lifecycle = lifecycle

    def __call__(self) -> object:
        """Called by uvicorn."""
        from app.api.application import Role, from_environment

        return from_environment(Role(self._role), self._lifecycle)


def serve(settings: Settings, role: str) -> None:
    """Serve a role until a signal. Worker processes share one listener; a dead one is started again (E10)."""
    lifecycle = Lifecycle()
    workers = settings.uvicorn_workers if role != "worker" else 1
    config = uvicorn.Config(
        Factory(role, lifecycle),
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.grace_seconds,
        timeout_keep_alive=75,
        h11_max_incomplete_event_size=64 * 1024,
        ws_max_size=64 * 1024,
    )
    server = DrainingServer(config, lifecycle, settings.drain_seconds)
    if workers == 1:
        server.run()
        return
    with tempfile.TemporaryDirectory(prefix="contentgen-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        Multiprocess(config, server.run, [config.bind_socket()]).run()
