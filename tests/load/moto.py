"""AWS for tests and benchmarks of the service: a moto server as a process of its own."""

import os
import signal
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.servers import free_port, started


def answers(url: str) -> bool:
    """True if something answers there with success."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def moto(folder: Path) -> Iterator[str]:
    """Its address, until the end of the block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with started(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        environment=dict(os.environ),
        identity=None,
        log=folder / "moto.log",
        ready=lambda: answers(f"{url}/moto-api/data.json"),
        stop_signal=signal.SIGTERM,
    ):
        yield url
