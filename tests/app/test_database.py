"""What counts as "the database is away", which clients are told as 503, and what is a mistake of ours."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from sqlalchemy.exc import InterfaceError

from app.database import Database, DatabaseUnavailable
from app.settings import Settings


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("got result for unknown protocol state 0"),
        asyncpg.CannotConnectNowError("the database system is shutting down"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        InterfaceError("SELECT 1", {}, OSError("gone")),
        ConnectionResetError("peer"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_connection_that_dies_in_any_way_is_a_database_that_is_away(
    make_settings: Callable[..., Settings], error: Exception
) -> None:
    async def fail() -> None:
        database = Database(make_settings())
        try:
            async with database.write():
                raise error
        finally:
            await database.close()

    with pytest.raises(DatabaseUnavailable, match=type(error).__name__):
        asyncio.run(fail())


def test_a_wrong_statement_stays_what_it_is(make_settings: Callable[..., Settings]) -> None:
    async def fail() -> None:
        database = Database(make_settings())
        try:
            async with database.write():
                raise asyncpg.UndefinedTableError("relation does not exist")
        finally:
            await database.close()

    with pytest.raises(asyncpg.UndefinedTableError):
        asyncio.run(fail())
