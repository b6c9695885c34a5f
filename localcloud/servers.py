"""Common parts of Postgres and Redis: their unpacked binaries, their user, how a test starts and stops them."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcloud.paths import cache_root

START_SECONDS = 120.0
"""Time for a server to become ready. Only a start that hangs needs it whole; on a busy disk Python alone takes 30 s."""
STOP_SECONDS = 30.0
"""Time that a server has for its end before it is killed."""


@dataclass(frozen=True)
class Identity:
    """The unprivileged user a server runs as when we are root."""

    uid: int
    gid: int


class ServerError(RuntimeError):
    """A local server could not be prepared or did not come up; the message holds the end of its output."""


def unprivileged() -> Identity | None:
    """User that a server should drop to: `nobody` when we are root (Postgres refuses to run as root), else none."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Identity(entry.pw_uid, entry.pw_gid)


def cached(name: str, fill: Callable[[Path], None]) -> Path:
    """The cache entry `name`, made by `fill` once; an atomic rename, so a crash or a race leaves no half entry."""
    target = cache_root() / name
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    scratch.chmod(0o755)
    try:
        fill(scratch)
        scratch.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def free_port() -> int:
    """A loopback port without a listener right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    identity: Identity | None,
    log: Path,
    ready: Callable[[], bool],
    stop_signal: int,
    seconds: float = START_SECONDS,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server until the block ends: waits until `ready`, stops it by its own pid, kills it if it will not stop.

    Raises ServerError when the process ends or stays unready for `seconds`.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
            start_new_session=True,
        )
    try:
        _wait_until(process, ready, seconds, argv[0], log)
        yield process
    finally:
        _stop(process, stop_signal)


def _wait_until(
    process: "subprocess.Popen[bytes]", ready: Callable[[], bool], seconds: float, what: str, log: Path
) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:]
            state = f"ended with {process.returncode}" if process.poll() is not None else f"not ready in {seconds} s"
            raise ServerError(f"{what}: {state}; its output ends with:\n{tail}")
        time.sleep(0.02)


def _stop(process: "subprocess.Popen[bytes]", stop_signal: int) -> None:
    if process.poll() is not None:
        return
    process.send_signal(stop_signal)
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
