"""Processes that outlive the command that started them: each in its own session, with a log, stopped by its own id.

An id alone may be another process by now (the machine was restarted, ids are reused), so the start time is kept beside
it and both must match before a signal is sent.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

STOP_SECONDS = 20.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Daemon:
    """A running process of ours: its id and its start time (seconds since the epoch)."""

    pid: int
    started: float

    def process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            alive = abs(process.create_time() - self.started) < 1 and process.status() != psutil.STATUS_ZOMBIE
            return process if alive else None
        except psutil.NoSuchProcess:
            return None

    def is_running(self) -> bool:
        return self.process() is not None


def spawn(command: Sequence[str], folder: Path, name: str, environment: Mapping[str, str]) -> Daemon:
    """Starts a daemon whose output goes to ``folder/name.log`` and whose id is kept in ``folder/name.pid``."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(environment), start_new_session=True
        )
    daemon = Daemon(child.pid, psutil.Process(child.pid).create_time())
    (folder / f"{name}.pid").write_text(json.dumps(asdict(daemon)))
    return daemon


def find(folder: Path, name: str) -> Daemon | None:
    """The daemon of that name if it is still the process that was started, else None."""
    try:
        daemon = Daemon(**json.loads((folder / f"{name}.pid").read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    return daemon if daemon.is_running() else None


def stop(folder: Path, name: str) -> None:
    """Asks the daemon and what it started to end, waits, and kills what is left."""
    daemon = find(folder, name)
    process = daemon.process() if daemon else None
    if process is not None:
        stop_tree(process)
    (folder / f"{name}.pid").unlink(missing_ok=True)


def stop_tree(process: psutil.Process) -> None:
    """SIGTERM to the process, then, after ``STOP_SECONDS``, SIGKILL to it and to everything below it."""
    try:
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.NoSuchProcess:
        return
    _wait([process])
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    _wait(family)


def _wait(family: Sequence[psutil.Process]) -> None:
    """Until all have ended, for ``STOP_SECONDS`` at most. One whose parent has not asked for its end yet, a zombie, has
    ended.
    """
    deadline = time.monotonic() + STOP_SECONDS
    while any(_runs(one) for one in family) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def log_tail(folder: Path, name: str, lines: int = 15) -> str:
    """The end of a daemon's log, for the message that says it failed."""
    path = folder / f"{name}.log"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else "(no log)"
