"""A second database beside the service's own: made, filled, and dropped, or put in the first one's place (W03, W06).

There is one at a time on a server, and none for which the server has no room: a copy must not fill production's disk.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from pydantic import SecretStr
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app import roles
from app.access.owners import MAKE_ROLE
from app.database import engine
from app.locks import Lock
from app.service_settings import ServiceSettings
from app.time_limits import Task

_LOG = structlog.get_logger("app.scratch")
GIGABYTE = 1024**3
# A copy writes as much again into the log, half of which may wait for replicas.
ROOM = 1.5
# Where the administrator is while databases are made and renamed; every server has it.
OUTSIDE = "postgres"


class ScratchBusy(Exception):
    """Another process makes a second copy of the data on this server at the moment; only one may."""


class NoRoom(Exception):
    """The server's disk has no room for a second copy; nothing was begun."""


@dataclass
class Scratch:
    """An empty database beside the service's own, and the administrator's connection, which is to neither."""

    settings: ServiceSettings
    name: str
    own: str
    outside: AsyncConnection
    in_place: bool = False

    async def take_the_place(self, *, keep: bool) -> str | None:
        """Give this one the service's name and that one NAME_before_TIME, in one transaction.

        Who is connected is sent away, and comes back to the new one. Returns the name that the old one is kept under.
        """
        before = f"{self.own}_before_{datetime.now(UTC):%Y%m%d_%H%M%S_%f}"
        await self._open(self.own, to_clients=False)
        try:
            await self.outside.execute(text(_RENAME.format(own=self.own, before=before, new=self.name)))
        except BaseException:
            await self._open(self.own, to_clients=True)
            raise
        self.in_place = True
        if keep:
            await self._open(before, to_clients=True)
            return before
        await _drop(self.outside, before)
        return None

    async def _open(self, name: str, *, to_clients: bool) -> None:
        await self.outside.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {str(to_clients).lower()}'))


_RENAME = """
DO $$ BEGIN
    PERFORM pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname IN ('{own}', '{new}');
    ALTER DATABASE "{own}" RENAME TO "{before}";
    ALTER DATABASE "{new}" RENAME TO "{own}";
END $$
"""


@asynccontextmanager
async def scratch(settings: ServiceSettings, database_bytes: int = 0) -> AsyncIterator[Scratch]:
    """An empty database on the service's own server, for the block; `database_bytes` is what it will take.

    The application's login may make none, so the administrator's is taken where there is one. The lock is the
    connection's: a killed run frees it, and the next one sweeps up after it. Raises ScratchBusy and NoRoom.
    """
    own = make_url(settings.database_url_direct.get_secret_value())
    administrator = make_url((settings.database_admin_url or settings.database_url_direct).get_secret_value())
    family = f"{own.database}_scratch_"
    made = f"{family}{secrets.token_hex(4)}"
    owner = f" OWNER {roles.OWNER}" if settings.database_admin_url else ""
    async with _autocommit(settings, administrator.set(database=OUTSIDE)) as outside:
        await _alone(outside)
        for left in await _present(outside, family):
            await _drop(outside, left)
        await _check_room(outside, settings, database_bytes)
        await outside.execute(text(f'CREATE DATABASE "{made}" TEMPLATE template0{owner}'))
        there = _secret(own.set(database=made))
        copy = settings.model_copy(update={"database_url": there, "database_url_direct": there})
        found = Scratch(copy, made, str(own.database), outside)
        try:
            await _prepare(settings, administrator, made)
            yield found
        finally:
            if not found.in_place:
                await _drop(outside, made)


@asynccontextmanager
async def _autocommit(settings: ServiceSettings, address: URL) -> AsyncIterator[AsyncConnection]:
    engines = engine(settings, _secret(address), Task.RESTORE)
    try:
        async with engines.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")
    finally:
        await engines.dispose()


def _secret(address: URL) -> SecretStr:
    return SecretStr(address.render_as_string(hide_password=False))


async def _alone(connection: AsyncConnection) -> None:
    taken = await connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": Lock.COPY})
    if not taken.scalar():
        raise ScratchBusy("another restore or restore check is running on this server; wait for it, then try again")


async def _present(connection: AsyncConnection, family: str) -> list[str]:
    found = await connection.execute(
        text("SELECT datname FROM pg_database WHERE starts_with(datname::text, :family)"), {"family": family}
    )
    return [str(row[0]) for row in found]


async def _drop(connection: AsyncConnection, name: str) -> None:
    await connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _check_room(connection: AsyncConnection, settings: ServiceSettings, database_bytes: int) -> None:
    """No server says how large its disk is, so the deployment does."""
    if settings.database_storage_gb is None:
        _LOG.warning("room for a copy is not known: DATABASE_STORAGE_GB is not set", needed_bytes=database_bytes)
        return
    used = (await connection.execute(text(_USED))).scalar_one()
    free, needed = settings.database_storage_gb * GIGABYTE - int(used), int(ROOM * database_bytes)
    _LOG.info("room for a second copy", needed_bytes=needed, free_bytes=free)
    if free < needed:
        raise NoRoom(
            f"a second copy of the database needs {needed / GIGABYTE:.1f} GB ({ROOM} times its size); of the server's"
            f" {settings.database_storage_gb} GB (DATABASE_STORAGE_GB) {free / GIGABYTE:.1f} GB are free: enlarge the"
            " storage, or restore into a server of its own; nothing was changed"
        )


_USED = "SELECT coalesce(sum(pg_database_size(oid)), 0) FROM pg_database WHERE has_database_privilege(oid, 'CONNECT')"


async def _prepare(settings: ServiceSettings, administrator: URL, made: str) -> None:
    """Owner, rights and extensions as the first has them: a dump carries none, and the application may make none."""
    async with _autocommit(settings, administrator) as connection:
        found = await connection.execute(text("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'"))
        extensions = [str(row[0]) for row in found]
    async with _autocommit(settings, administrator.set(database=made)) as connection:
        await connection.execute(text(MAKE_ROLE))
        if settings.database_admin_url:
            await roles.prepare(connection)
        for extension in extensions:
            try:
                await connection.execute(text(f'CREATE EXTENSION IF NOT EXISTS "{extension}"'))
            except DBAPIError as error:
                _LOG.warning("the restored database lacks an extension", extension=extension, error=str(error.orig))
