"""Downloads from release hosts: files verified by a checksum that is known before the first byte, resumed where a
connection ended, each within limits of time and size.

Ranges are those of RFC 9110, section 14. A host that ignores them sends the whole file, which is then taken from its
start.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from localcloud.project import project

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FAILURES = (httpx.HTTPError, httpx.InvalidURL)
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout)
_silent: set[str] = set()
"""Hosts to which no connection came about in this process: each is waited for once, not once a file."""
_STARTS_AT = re.compile(r"bytes (\d+)-")


def _mirror_variable() -> str:
    """Of an address below which the release hosts' own paths lie, each under its host's name."""
    return project().variable("RELEASES")


class DownloadError(Exception):
    """A file cannot be had; the message has its address and the reason."""


@dataclass(frozen=True)
class Patience:
    """Limits of a download: seconds for a connection, for the next bytes, and for all files of one family together;
    attempts after a connection that ended; bytes of one file.
    """

    connect_seconds: float = 3.0
    read_seconds: float = 10.0
    total_seconds: float = 300.0
    attempts: int = 3
    most_bytes: int = 2**30


class Downloads:
    """One family's downloads, by several threads: they share its connections, its time and its end."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._deadline = time.monotonic() + patience.total_seconds
        self._stopped = threading.Event()
        timeout = httpx.Timeout(patience.read_seconds, connect=patience.connect_seconds)
        hooks = {"request": [_require_encryption]}
        self._client = httpx.Client(timeout=timeout, follow_redirects=True, event_hooks=hooks)

    def __enter__(self) -> Downloads:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def stop(self) -> None:
        """Ends what other threads download; what they have is kept for the next time."""
        self._stopped.set()

    def text(self, address: str) -> str:
        """A small file, such as one of checksums. Raises DownloadError."""
        _require_answering(address)
        try:
            answer = self._client.get(mirrored(address))
        except _FAILURES as error:
            raise _unreachable(address, error) from error
        _require_found(address, answer)
        return answer.text

    def file(self, address: str, target: Path, sha256: str) -> None:
        """The file with that checksum. What came of it before a connection ended is beside it, in a ``.part``, and
        the next attempt, of this process or a later one, goes on from there. Raises DownloadError.
        """
        if target.exists() and _sha256(target) == sha256:
            return
        part = target.with_name(f"{target.name}.part")
        resumed = part.exists()
        self._receive(address, part)
        if _sha256(part) != sha256 and resumed:
            part.unlink()
            self._receive(address, part)
        if (found := _sha256(part)) != sha256:
            size = part.stat().st_size
            part.unlink()
            raise DownloadError(f"{address} has the SHA-256 {found} ({size} bytes), published is {sha256}")
        part.replace(target)

    def _receive(self, address: str, part: Path) -> None:
        for attempt in range(1, self._patience.attempts + 1):
            _require_answering(address)
            try:
                self._attempt(address, part)
            except _FAILURES as error:
                if attempt == self._patience.attempts or isinstance(error, _NO_CONNECTION):
                    raise _unreachable(address, error) from error
            else:
                return

    def _attempt(self, address: str, part: Path) -> None:
        have = part.stat().st_size if part.exists() else 0
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
        with self._client.stream("GET", mirrored(address), headers=headers) as answer:
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # there is nothing after what we have: the checksum tells whether that is the file
            _require_found(address, answer)
            begun = _STARTS_AT.match(answer.headers.get("Content-Range", ""))
            goes_on = answer.status_code == httpx.codes.PARTIAL_CONTENT and begun and int(begun[1]) == have
            with part.open("ab" if goes_on else "wb") as kept:
                for chunk in answer.iter_raw():  # as it comes: what is gathered first is lost with the connection
                    kept.write(chunk)
                    self._require_time(address)
                    if kept.tell() > self._patience.most_bytes:
                        raise DownloadError(f"{address} is bigger than {self._patience.most_bytes} bytes")

    def _require_time(self, address: str) -> None:
        if self._stopped.is_set():
            raise DownloadError(f"{address} was not waited for, because another file failed")
        if time.monotonic() > self._deadline:
            raise DownloadError(f"{address} was not there after {self._patience.total_seconds:.0f} s")


def mirrored(address: str) -> str:
    """The address that is asked: the host's own, or the same path under a mirror's."""
    mirror = os.environ.get(_mirror_variable())
    return f"{mirror.rstrip('/')}/{address.removeprefix('https://')}" if mirror else address


def _require_encryption(request: httpx.Request) -> None:
    """Checksums come from the same hosts, so that one who can change a file on its way can change both."""
    if request.url.scheme != "https" and request.url.host not in LOOPBACK:
        raise DownloadError(
            f"{request.url} is not encrypted; allowed are https and this machine. Fix: set {_mirror_variable()} to an "
            "https:// address, or unset it."
        )


def _require_found(address: str, answer: httpx.Response) -> None:
    if not answer.is_success:
        raise DownloadError(f"{address} answers {answer.status_code}")


def _unreachable(address: str, error: Exception) -> DownloadError:
    host = _host(address)
    if isinstance(error, _NO_CONNECTION):
        _silent.add(host)
    return DownloadError(f"{host} cannot be used for {address} ({type(error).__name__}: {error})")


def _require_answering(address: str) -> None:
    if (host := _host(address)) in _silent:
        raise DownloadError(f"{host} cannot be used for {address} (no connection a moment ago)")


def _host(address: str) -> str:
    return urlsplit(mirrored(address)).netloc


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
