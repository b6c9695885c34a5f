"""Postgres' own client programs: where they are, how they are told where the database is, and how they are run."""

import asyncio
import os
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from sqlalchemy import make_url

from app.postgres_tls import LOOPBACK, tunnel
from app.settings import Settings

KEPT_CHARACTERS = 1000


@dataclass(frozen=True)
class Ended:
    """How a program ended, and the end of what it complained of."""

    code: int
    errors: str


async def run(settings: Settings, name: str, options: Sequence[str], application: str) -> Ended:
    """Run a program on DATABASE_URL_DIRECT to its end. Raises OSError when the program or the host is not found."""
    found, secret = program(settings, name), settings.database_url_direct
    async with tunnel(secret) as port:
        variables = environment(secret, application, port)
        running = await asyncio.create_subprocess_exec(
            found, "--no-password", *options, env=variables, stderr=asyncio.subprocess.PIPE
        )
        try:
            _, errors = await running.communicate()
        except asyncio.CancelledError:
            running.kill()
            await running.wait()
            raise
    return Ended(int(running.returncode or 0), errors.decode(errors="replace").strip()[-KEPT_CHARACTERS:])


def program(settings: Settings, name: str) -> str:
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
