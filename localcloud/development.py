"""A development session of an embedded cloud: while it lasts, pods of the application run a checkout in place of the
image they declare, and the runner restarts them on request.

Requests and answers are two files beside the images: ``Session`` is written by the command before it signals the
runner, ``Renewal`` by the runner once every restarted container is ready or has ended. A session is over with the
process that began it, however that ended.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localcloud.processes import Daemon, birth

RENEW = signal.SIGHUP
"""Sent to the runner: restart the application's containers."""


@dataclass(frozen=True)
class Session:
    """Request number ``number`` of the process ``pid`` whose birth is ``born``.
    ``checkout`` is what the pods are to run; empty, they run what they declare.
    """

    checkout: str
    number: int
    pid: int
    born: str


@dataclass(frozen=True)
class Renewal:
    """Answer to the request of that number: seconds it took, names of the pods that were restarted, and of those that
    ended again or did not become ready the reason.
    """

    number: int
    seconds: float
    pods: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Development:
    """Both files, in the folder of an embedded cloud's images."""

    folder: Path

    def checkout(self) -> Path | None:
        """The checkout that pods run now; None without a session, and after its process has ended."""
        session = self.session()
        if session is None or not session.checkout:
            return None
        return Path(session.checkout) if Daemon(session.pid, session.born).is_running() else None

    def session(self) -> Session | None:
        found = _read(self._request)
        return Session(**found) if found else None

    def ask(self, checkout: Path | None) -> int:
        """Writes the next request of this process; its number."""
        before = self.session()
        number = before.number + 1 if before else 1
        own = Session(str(checkout or ""), number, os.getpid(), birth(os.getpid()))
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self._request, asdict(own))
        return number

    def answer(self, renewal: Renewal) -> None:
        _write(self._answer, asdict(renewal))

    def answered(self, number: int) -> Renewal | None:
        """The answer to that request or a later one, once it is there."""
        found = _read(self._answer)
        if not found or found["number"] < number:
            return None
        return Renewal(found["number"], found["seconds"], tuple(found["pods"]), found["failed"])

    def end(self) -> None:
        """Leaves no trace: the next session begins anew."""
        for file in (self._request, self._answer):
            file.unlink(missing_ok=True)

    @property
    def _request(self) -> Path:
        return self.folder / "development.json"

    @property
    def _answer(self) -> Path:
        return self.folder / "renewal.json"


def _read(file: Path) -> dict[str, Any] | None:
    return json.loads(file.read_text()) if file.exists() else None


def _write(file: Path, content: Mapping[str, object]) -> None:
    """Whole or not at all: the other side may read at any time."""
    scratch = file.with_name(f".{file.name}")
    scratch.write_text(json.dumps(content))
    scratch.replace(file)
