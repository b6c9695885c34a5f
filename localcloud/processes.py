"""Processes that outlive the command that started them: each in its own session, with a log, stopped by its own id.

An id alone may be another process by now (the machine was restarted, ids are reused), so the process's birth is kept
beside it and both must match before a signal is sent. A birth is counted from the machine's start: one by the wall
clock moves whenever that clock is set.
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
_CLOCK_SECONDS = 60.0
"""Step of the wall clock that an earlier version's records are still read across."""


_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STARTED_FIELD = 19
"""Of the fields after the program's name in /proc/PID/stat (proc(5), ``starttime``)."""


@dataclass(frozen=True)
class Daemon:
    """A running process of ours: its id and its birth (``birth``)."""

    pid: int
    born: str

    def process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            alive = birth(self.pid) == self.born and process.status() != psutil.STATUS_ZOMBIE
            return process if alive else None
        except (psutil.NoSuchProcess, ProcessLookupError):
            return None

    def is_running(self) -> bool:
        return self.process() is not None


def birth(pid: int) -> str:
    """Id of the machine's start that a process belongs to, and the clock ticks between the two. Raises
    ProcessLookupError when there is no such process.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError as error:
        raise ProcessLookupError(f"no process {pid}") from error
    return f"{boot_id()} {fields[_STARTED_FIELD]}"


def boot_id() -> str:
    """Id of the machine's last start."""
    return _BOOT_ID.read_text().strip()


def spawn(command: Sequence[str], folder: Path, name: str, environment: Mapping[str, str]) -> Daemon:
    """Starts a daemon whose output goes to ``folder/name.log`` and whose id is kept in ``folder/name.pid``."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(environment), start_new_session=True
        )
    daemon = Daemon(child.pid, birth(child.pid))
    (folder / f"{name}.pid").write_text(json.dumps(asdict(daemon)))
    return daemon


def find(folder: Path, name: str) -> Daemon | None:
    """The daemon of that name if it is still the process that was started, else None."""
    try:
        record = json.loads((folder / f"{name}.pid").read_text())
        daemon = Daemon(**record) if "born" in record else _by_wall_clock(**record)
    except (FileNotFoundError, json.JSONDecodeError, TypeError, ProcessLookupError, psutil.NoSuchProcess):
        return None
    return daemon if daemon.is_running() else None


def _by_wall_clock(pid: int, started: float) -> Daemon:
    """The process of a record that an earlier version wrote, so that a stack it started can still be taken down."""
    same = abs(psutil.Process(pid).create_time() - started) < _CLOCK_SECONDS
    return Daemon(pid, birth(pid) if same else "")


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
