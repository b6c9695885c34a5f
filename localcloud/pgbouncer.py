"""A real PgBouncer without an installation: the one on PATH, else Debian's package unpacked in our cache (P02).

In transaction mode it hands a server connection to a client for one transaction at a time; the service must therefore
work without anything that lives longer. Debian's is 1.18, older than prepared statements in that mode.
"""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from localcloud.debian import Origin, environment, unpacked, version_line
from localcloud.servers import Identity, ServerError, started, unprivileged

# The server and the libraries that a bare machine lacks.
DEBIAN_PACKAGES = ("pgbouncer", "libc-ares2", "libevent-2.1-7")


@cache
def origin() -> Origin:
    """PATH, then Debian's package in our cache. Raises ServerError where there is neither."""
    installed = shutil.which("pgbouncer")
    if installed:
        return _described(Path(installed), None, "installed on this machine")
    folder = unpacked("pgbouncer-debian", DEBIAN_PACKAGES)
    if folder is None:
        raise ServerError("pgbouncer is neither on PATH nor to be had by apt-get; install the package pgbouncer")
    libraries = next(path.parent for path in (folder / "usr/lib").rglob("libcares.so.2"))
    return _described(folder / "usr/sbin/pgbouncer", libraries, "Debian's package pgbouncer, unpacked in our cache")


def _described(program: Path, libraries: Path | None, source: str) -> Origin:
    return Origin(program, libraries, version_line(program, libraries).split()[1], source)


@dataclass(frozen=True)
class Upstream:
    """The Postgres behind the pooler, and the one user it serves."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class PgBouncerServer:
    """One pooler over one folder; `parameters` are directives of pgbouncer.ini, such as default_pool_size."""

    folder: Path
    host: str
    port: int
    upstream: Upstream
    parameters: Mapping[str, str] = field(default_factory=dict)

    def identity(self) -> Identity | None:
        """User to run as: PgBouncer refuses root."""
        return unprivileged()

    def initialise(self) -> None:
        """Write its configuration, readable by the server's user alone. Safe to call again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        defaults = {
            "listen_addr": self.host,
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(self._users),
            "pool_mode": "transaction",
            "max_client_conn": "200",
            "default_pool_size": "25",
        }
        directives = "\n".join(f"{name} = {value}" for name, value in {**defaults, **self.parameters}.items())
        upstream = f"* = host={self.upstream.host} port={self.upstream.port}"
        self._write(self._configuration, f"[databases]\n{upstream}\n\n[pgbouncer]\n{directives}\n")
        self._write(self._users, f'"{self.upstream.user}" "{self.upstream.password}"\n')
        self._own(self.folder)

    def argv(self) -> list[str]:
        """The server's command line."""
        return [str(origin().program), str(self._configuration)]

    def environment(self) -> dict[str, str]:
        """A neutral locale, and the unpacked libraries where the program needs them."""
        return environment(origin().libraries)

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Start, wait until it listens, and shut down (SIGTERM: at once) at the end of the block."""
        with started(
            self.argv(),
            environment=self.environment(),
            identity=self.identity(),
            log=self.folder.parent / f"{self.folder.name}.log",
            ready=self.listens,
            stop_signal=signal.SIGTERM,
        ) as process:
            yield process

    def listens(self) -> bool:
        """True when a connection is accepted; whether Postgres answers behind it is the client's first question."""
        try:
            socket.create_connection((self.host, self.port), timeout=0.5).close()
        except OSError:
            return False
        return True

    @property
    def _configuration(self) -> Path:
        return self.folder / "pgbouncer.ini"

    @property
    def _users(self) -> Path:
        return self.folder / "users.txt"

    def _write(self, path: Path, text: str) -> None:
        path.touch(mode=0o600)
        path.write_text(text)
        self._own(path)

    def _own(self, path: Path) -> None:
        identity = self.identity()
        if identity:
            os.chown(path, identity.uid, identity.gid)
