"""A pooled connection is alive when it is handed out; a round trip says so only where it is needed."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from conftest import apart
from sqlalchemy import text
from under_load import run_sql

from app import database as module
from app.database import Database, driver
from app.settings import Settings

Work = Callable[[Database, asyncpg.Connection], Awaitable[None]]


@pytest.fixture
def one_connection(make_settings: Callable[..., Settings]) -> Callable[[Work], None]:
    """Runs something with a database whose pool has one connection, which has worked a moment ago."""

    async def run(work: Work) -> None:
        database = Database(make_settings(database_pool_size=1, database_max_overflow=0))
        try:
            async with database.write() as connection:
                await connection.execute(text("SELECT 41"))
            await work(database, await _used(database))
        finally:
            await database.close()

    return lambda work: apart(run(work))


async def _used(database: Database) -> asyncpg.Connection:
    async with database.write() as connection:
        assert (await connection.execute(text("SELECT 42"))).scalar() == 42
        return await driver(connection)


@pytest.mark.parametrize(("trusted", "asked"), [(60.0, 0), (0.0, 1)])
def test_a_connection_that_has_just_worked_is_not_asked_whether_it_lives(
    one_connection: Callable[[Work], None], monkeypatch: pytest.MonkeyPatch, trusted: float, asked: int
) -> None:
    monkeypatch.setattr(module, "TRUSTED_SECONDS", trusted)

    async def work(database: Database, first: asyncpg.Connection) -> None:
        queries: list[str] = []
        first.add_query_logger(lambda record: queries.append(record.query))
        assert await _used(database) is first
        assert queries.count("SELECT 1") == asked

    one_connection(work)


@pytest.mark.parametrize("trusted", [60.0, 0.0])
def test_a_connection_that_the_server_closed_is_replaced_before_anybody_gets_it(
    one_connection: Callable[[Work], None], monkeypatch: pytest.MonkeyPatch, database_url: str, trusted: float
) -> None:
    """Known as closed without a question; or, where its end was not noticed yet, by the question."""
    monkeypatch.setattr(module, "TRUSTED_SECONDS", trusted)

    async def work(database: Database, first: asyncpg.Connection) -> None:
        end = f"SELECT pg_terminate_backend({first.get_server_pid()}, 10000)"
        # Keeps this loop from noticing, as a busy one would be kept.
        assert run_sql(database_url, end)[0][0]
        if trusted:
            async with asyncio.timeout(30):
                while not first.is_closed():
                    await asyncio.sleep(0)
        assert await _used(database) is not first

    one_connection(work)
