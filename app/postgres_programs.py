"""Postgres' own client programs: where they are, how they are given the database's address, and how data streams
through them: nothing of a dump is ever in a file.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import IO, TypeVar

from pydantic import SecretStr
from sqlalchemy import make_url

from app.postgres_tls import LOOPBACK, tunnel
from app.service_settings import ServiceSettings

T = TypeVar("T")
KEPT_CHARACTERS = 1000


class ProgramFailed(Exception):
    """A program could not be started, or ended with an error; the message has the end of what it complained of."""


class Running:
    """A program at work. Reading its output to the end raises ProgramFailed when it ends with an error, so that half of
    an output is never stored as the whole.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", name: str, errors: IO[bytes]) -> None:
        self.process = process
        self._name = name
        self._errors = errors

    def read(self, size: int = -1) -> bytes:
        """As a file's; blocks."""
        assert self.process.stdout is not None
        data = self.process.stdout.read(size)
        if size < 0 or len(data) < size:
            self.finish()
        return data

    def feed(self, chunks: Iterable[bytes]) -> None:
        """Write to its input; blocks. All chunks are taken, also when the program ended before."""
        assert self.process.stdin is not None
        broken = False
        for chunk in chunks:
            try:
                if not broken:
                    self.process.stdin.write(chunk)
            except BrokenPipeError:
                broken = True
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            broken = True
        self.finish()

    def finish(self) -> None:
        """Wait for its end. Raises ProgramFailed."""
        code = self.process.wait()
        if code:
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip()[-KEPT_CHARACTERS:]
            raise ProgramFailed(f"{self._name} ended with {code}: {said}")


async def stream(
    settings: ServiceSettings, name: str, options: Sequence[str], application: str, work: Callable[[Running], T]
) -> T:
    """Run a program on DATABASE_URL_DIRECT while `work` reads or feeds it in a thread. Raises ProgramFailed."""
    async with _started(settings, name, options, application) as running:
        try:
            return await asyncio.to_thread(work, running)
        finally:
            if running.process.poll() is None:
                running.process.kill()


@asynccontextmanager
async def _started(
    settings: ServiceSettings, name: str, options: Sequence[str], application: str
) -> AsyncIterator[Running]:
    secret = settings.database_url_direct
    async with tunnel(secret) as port:
        with tempfile.TemporaryFile() as errors:
            try:
                command = [program(settings, name), "--no-password", *options]
                process = _process(command, environment(secret, application, port), errors)
            except OSError as error:
                raise ProgramFailed(f"{name} cannot be run: {error}") from error
            with process:
                yield Running(process, name, errors)


def _process(command: Sequence[str], variables: Mapping[str, str], errors: IO[bytes]) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe, stderr=errors)


def program(settings: ServiceSettings, name: str) -> str:
    """A Postgres program from PG_BIN, else from PATH. Raises FileNotFoundError."""
    path = os.pathsep.join(part for part in (settings.pg_bin, os.environ.get("PATH")) if part)
    found = shutil.which(name, path=path)
    if not found:
        raise FileNotFoundError(f"{name} was not found on PATH or in PG_BIN; install Postgres' client programs")
    return found


def environment(secret: SecretStr, application: str, tunnelled: int | None = None) -> dict[str, str]:
    """Connection settings for libpq's programs: never in argv, where every user of the machine reads them.

    The host name is resolved here, because statically linked client programs may lack a resolver; with the port of a
    tunnel it is not needed. Raises OSError when it cannot be resolved.
    """
    url = make_url(secret.get_secret_value())
    variables = {
        "PGSSLMODE": str(url.query.get("sslmode", "prefer")),
        **(_tunnelled(tunnelled) if tunnelled else _address(url.host or "localhost", url.port or 5432)),
        "PGUSER": url.username or "",
        "PGPASSWORD": str(url.password or ""),
        "PGDATABASE": url.database or "",
        "PGCONNECT_TIMEOUT": "10",
        "PGAPPNAME": application,
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
    }
    return {name: value for name, value in variables.items() if value}


def _tunnelled(port: int) -> dict[str, str]:
    return {"PGHOST": LOOPBACK, "PGHOSTADDR": LOOPBACK, "PGPORT": str(port), "PGSSLMODE": "disable"}


def _address(host: str, port: int) -> dict[str, str]:
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    except OSError as error:
        raise OSError(f"the database's host '{host}' cannot be resolved: {error}") from error
    return {"PGHOST": host, "PGHOSTADDR": str(address), "PGPORT": str(port)}
