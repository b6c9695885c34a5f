"""A process under attack, asked all the time by a quiet observer whether it is still awake (app.limits)."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from conftest import Fleet, eventually

BODY = {"topic": "Quiet offices", "content_type": "social", "client_id": "acme"}
MEGABYTES = 256
"""A process never takes more memory."""
HEALTH_SECONDS = 0.1
PROCESSOR_SECONDS = 0.05
"""Processor time that a body of the largest size may cost."""


@dataclass
class Target:
    """A process under attack, and what a quiet observer saw of it meanwhile."""

    url: str
    pid: int
    slowest: float = 0.0
    failed: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def megabytes(self) -> float:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def socket(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


@contextmanager
def attacked(fleet: Fleet, **variables: str) -> Iterator[Target]:
    """A cpm process whose /health is asked all the time: the median of its answers, and its memory, must stay small."""
    with fleet.process("cpm", "serve", "--role", "cpm", **variables) as (process, url):
        target, stop, times = Target(url, process.pid), threading.Event(), list[float]()

        def observe() -> None:
            with httpx.Client(base_url=url, timeout=30) as client:
                while not stop.wait(0.02):
                    began = time.monotonic()
                    if client.get("/health").status_code != 200:
                        target.failed.append("health")
                    times.append(time.monotonic() - began)

        observer = threading.Thread(target=observe)
        observer.start()
        try:
            yield target
        finally:
            eventually(lambda: len(times) >= 10)
            stop.set()
            observer.join()
        assert target.failed == []
        assert target.megabytes < MEGABYTES
        # One slow answer may be the machine's; a process that is kept busy has many.
        assert sorted(times)[int(len(times) * 0.9)] < HEALTH_SECONDS
