"""A server on the loopback with the layout of the release hosts, each below its name, that fails as it is asked to."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.serving import served

Fault = Callable[["Answer"], None]


class Answer(BaseHTTPRequestHandler):
    """One request: the file, from where its range begins, or what the fault of its path does instead."""

    mirror: Mirror

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        self.mirror.asked.append((path, self.headers.get("Range")))
        fault = self.mirror.faults.get(path)
        if fault is not None:
            fault(self)
        elif path not in self.mirror.files:
            self.send_error(404)
        else:
            self.whole(ranges=True)

    @property
    def content(self) -> bytes:
        return self.mirror.files[self.path.lstrip("/")]

    def whole(self, *, ranges: bool) -> None:
        begin = self.begin(ranges=ranges)
        self.wfile.write(self.content[begin:])

    def begin(self, *, ranges: bool) -> int:
        """The answer's head; the first byte that is to follow."""
        asked = self.headers.get("Range") if ranges else None
        first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        size = len(self.content)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(size - first))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
        self.end_headers()
        return first

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what was asked is kept by the mirror."""


class Mirror:
    """``files`` and ``faults`` by host and path; ``asked`` has each request with its range."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, Fault] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.address = ""

    def asked_for(self, name: str) -> list[str | None]:
        """Ranges of the requests for the file of that name."""
        return [begin for path, begin in self.asked if path.endswith(f"/{name}")]


@contextmanager
def serving(port: int = 0) -> Iterator[Mirror]:
    mirror = Mirror()
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Answer,), {"mirror": mirror}))
    server.daemon_threads = True
    mirror.address = f"http://127.0.0.1:{server.server_address[1]}"
    with served(server):
        yield mirror


def archive(members: Mapping[str, bytes]) -> bytes:
    """A gzipped tar of those files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as content:
        for name, data in members.items():
            described = tarfile.TarInfo(name)
            described.size, described.mode = len(data), 0o755
            content.addfile(described, io.BytesIO(data))
    return packed.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def cut_off_half_way(times: int) -> Fault:
    """The connection ends in the middle, that many times; then ranges are answered."""
    left = [times]

    def answered(answer: Answer) -> None:
        if left[0] == 0:
            answer.whole(ranges=True)
            return
        left[0] -= 1
        _half(answer)
        answer.close_connection = True

    return answered


def _half(answer: Answer) -> None:
    begin = answer.begin(ranges=True)
    answer.wfile.write(answer.content[begin : begin + (len(answer.content) - begin) // 2])


def stalled(until: threading.Event) -> Fault:
    """Half of it, and then nothing."""

    def answered(answer: Answer) -> None:
        _half(answer)
        answer.wfile.flush()
        until.wait(60)
        answer.close_connection = True

    return answered


def without_ranges(answer: Answer) -> None:
    answer.whole(ranges=False)
