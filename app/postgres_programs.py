"""Postgres' own client programs: where they are, and how they are told where the database is."""

import os
import shutil
import socket

from pydantic import SecretStr
from sqlalchemy import make_url

from app.settings import Settings


def program(settings: Settings, name: str) -> str:
    """A Postgres program from PG_BIN, else from PATH. Raises FileNotFoundError."""
    path = os.pathsep.join(part for part in (settings.pg_bin, os.environ.get("PATH")) if part)
    found = shutil.which(name, path=path)
    if not found:
        raise FileNotFoundError(f"{name} was not found on PATH or in PG_BIN; install Postgres' client programs")
    return found


def environment(secret: SecretStr, application: str) -> dict[str, str]:
    """Connection settings for libpq's programs: never in argv, where every user of the machine reads them.

    The host name is resolved here, because statically linked client programs may lack a resolver. Raises OSError when
    it cannot be resolved.
    """
    url = make_url(secret.get_secret_value())
    host, port = url.host or "localhost", url.port or 5432
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    except OSError as error:
        raise OSError(f"the database's host '{host}' cannot be resolved: {error}") from error
    variables = {
        "PGHOST": host,
        "PGHOSTADDR": str(address),
        "PGPORT": str(port),
        "PGUSER": url.username or "",
        "PGPASSWORD": str(url.password or ""),
        "PGDATABASE": url.database or "",
        "PGSSLMODE": str(url.query.get("sslmode", "prefer")),
        "PGSSLROOTCERT": str(url.query.get("sslrootcert", "")),
        "PGCONNECT_TIMEOUT": "10",
        "PGAPPNAME": application,
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
    }
    return {name: value for name, value in variables.items() if value}
