"""A database of its own for a moment: made, used, dropped; what a killed run left behind goes first (W03)."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import engine
from app.locks import Lock
from app.roles import OWNER
from app.settings import Settings
from app.time_limits import Task


class ScratchBusy(Exception):
    """Another process has a scratch database of this service's at the moment; only one may."""


@asynccontextmanager
async def scratch(settings: Settings) -> AsyncIterator[Settings]:
    """The settings of an empty database beside the service's own, on the same server, for the block.

    The application's login may make none, so the administrator's is taken where there is one. The lock is the
    connection's: a killed run frees it, and the next one sweeps up after it. Raises ScratchBusy.
    """
    administrators = engine(settings, settings.database_admin_url or settings.database_url_direct, Task.RESTORE)
    own = make_url(settings.database_url_direct.get_secret_value())
    family = f"{own.database}_scratch_"
    name = f"{family}{secrets.token_hex(4)}"
    owner = f" OWNER {OWNER}" if settings.database_admin_url else ""
    try:
        async with administrators.connect() as connection:
            outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await _alone(outside)
            for left in await _present(outside, family):
                await _drop(outside, left)
            await outside.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0{owner}'))
            try:
                there = SecretStr(own.set(database=name).render_as_string(hide_password=False))
                yield settings.model_copy(update={"database_url": there, "database_url_direct": there})
            finally:
                await _drop(outside, name)
    finally:
        await administrators.dispose()


async def _alone(connection: AsyncConnection) -> None:
    taken = await connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": Lock.COPY})
    if not taken.scalar():
        raise ScratchBusy("another restore check is running on this database; wait for it, then try again")


async def _present(connection: AsyncConnection, family: str) -> list[str]:
    found = await connection.execute(
        text("SELECT datname FROM pg_database WHERE starts_with(datname::text, :family)"), {"family": family}
    )
    return [str(row[0]) for row in found]


async def _drop(connection: AsyncConnection, name: str) -> None:
    await connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
