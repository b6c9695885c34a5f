"""Errors that count as "the database is away", which clients get as 503, and errors that are a mistake of ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from uuid import uuid4

import asyncpg
import psutil
import pytest
from conftest import Fleet, Servers, apart, eventually
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InterfaceError
from test_supervision import figure
from under_load import run_sql

from app.database import Database, DatabaseUnavailable, OutcomeUnknown
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


async def using(settings: Settings, work: Callable[[Database], Awaitable[None]]) -> None:
    database = Database(settings)
    try:
        await work(database)
    finally:
        await database.close()


@asynccontextmanager
async def deaf_after_commit(servers: Servers) -> AsyncIterator[int]:
    """A way to the server on which the answer to COMMIT is lost; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(servers.postgres.host, servers.postgres.port)

        async def answers() -> None:
            with suppress(OSError):
                while data := await there.read(65536):
                    writer.write(data)

        answering = asyncio.create_task(answers())
        while data := await reader.read(65536):
            if b"COMMIT" in data:
                answering.cancel()
                back.write(data)
                await there.read(65536)
                break
            back.write(data)
        writer.close()
        back.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


INSERT = "INSERT INTO service_modes VALUES ('mode', 'normal')"


def test_a_lost_answer_to_commit_is_not_called_nothing_stored(
    make_settings: Callable[..., Settings], servers: Servers, database_url: str
) -> None:
    async def write(database: Database) -> None:
        with pytest.raises(OutcomeUnknown):
            async with database.write() as connection:
                await connection.execute(text(INSERT))

    async def scenario() -> None:
        async with deaf_after_commit(servers) as port:
            lost = database_url.replace(f":{servers.postgres.port}/", f":{port}/")
            await using(make_settings(database_url=lost), write)

    apart(scenario())
    assert eventually(lambda: run_sql(database_url, "SELECT value FROM service_modes")), "it was stored"


def test_a_connection_lost_before_commit_stored_nothing(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    async def write(database: Database) -> None:
        async def cut_off() -> None:
            async with database.write() as connection:
                await connection.execute(text(INSERT))
                await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        with pytest.raises(DatabaseUnavailable) as raised:
            await cut_off()
        assert not isinstance(raised.value, OutcomeUnknown)

    apart(using(make_settings(), write))
    assert not run_sql(database_url, "SELECT value FROM service_modes")


def test_a_commit_that_the_server_refuses_is_known_to_have_stored_nothing(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    run_sql(database_url, "CREATE TABLE once (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)", "SELECT 1")

    async def write(database: Database) -> None:
        with pytest.raises(IntegrityError):
            async with database.write() as connection:
                await connection.execute(text("INSERT INTO once VALUES (1), (1)"))

    apart(using(make_settings(), write))


def test_connections_to_a_primary_that_became_read_only_are_dropped(make_settings: Callable[..., Settings]) -> None:
    async def write(database: Database) -> None:
        async with database.write() as connection:
            await connection.execute(text("SET default_transaction_read_only = on"))
        with pytest.raises(DatabaseUnavailable, match="read-only"):
            async with database.write() as connection:
                await connection.execute(text(INSERT))
        async with database.write() as connection:
            await connection.execute(text(INSERT))

    apart(using(make_settings(database_pool_size=1, database_max_overflow=0), write))


def test_a_reading_whose_connection_is_cut_is_done_once_more(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    run_sql(database_url, "CREATE SEQUENCE tries", "SELECT 1")
    first_is_cut = "SELECT CASE nextval('tries') WHEN 1 THEN pg_terminate_backend(pg_backend_pid()) END, 42"

    async def read(database: Database) -> None:
        assert [row[1] for row in await database.rows(text(first_is_cut))] == [42]

    apart(using(make_settings(), read))
    assert run_sql(database_url, "SELECT last_value FROM tries")[0]["last_value"] == 2


def test_a_primary_that_is_too_slow_is_not_asked_twice(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    run_sql(database_url, "CREATE SEQUENCE tries", "SELECT 1")

    async def read(database: Database) -> None:
        with pytest.raises(DatabaseUnavailable):
            await database.rows(text("SELECT nextval('tries'), pg_sleep(30)"))

    apart(using(make_settings(database_statement_timeout_seconds=0.5), read))
    assert run_sql(database_url, "SELECT last_value FROM tries")[0]["last_value"] == 1


def test_a_replica_that_fails_its_queries_is_left_for_the_primary(
    make_settings: Callable[..., Settings], servers: Servers, database_url: str
) -> None:
    name = f"t_{uuid4().hex[:16]}"
    run_sql(servers.database_url("postgres"), f"CREATE DATABASE {name}", "SELECT 1")
    replica = servers.database_url(name)
    conflict = "BEGIN RAISE SQLSTATE '40001' USING MESSAGE = 'conflict with recovery'; END"
    body = "CREATE FUNCTION answer() RETURNS int LANGUAGE plpgsql AS $${}$$"
    run_sql(replica, body.format(conflict), "SELECT 1")
    run_sql(database_url, body.format("BEGIN RETURN 42; END"), "SELECT 1")

    async def read(database: Database) -> None:
        async def ask() -> object:
            async with database.read() as connection:
                return (await connection.execute(text("SELECT answer()"))).scalar()

        rows = await database.rows(text("SELECT answer()"))
        assert rows[0][0] == 42, "asked again on the primary"
        assert [await ask() for _ in range(3)] == [42, 42, 42]

    apart(using(make_settings(database_read_url=replica), read))


def test_a_replica_that_never_answers_is_asked_by_one_reader_and_ever_more_seldom(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.database.REPLICA_CONNECT_SECONDS", 0.1)
    monkeypatch.setattr("app.database.REPLICA_PAUSE_SECONDS", 0.1)
    asked: list[float] = []

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(asyncio.get_running_loop().time())
        await reader.read()
        writer.close()

    async def read(database: Database) -> None:
        while len(asked) < 4:
            async with database.read() as connection:
                assert (await connection.execute(text("SELECT 1"))).scalar() == 1
        gaps = [later - earlier for earlier, later in pairwise(asked)]
        assert gaps[-1] > 0.4, "0.1, 0.2, 0.4 s"

    async def scenario() -> None:
        async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await using(make_settings(database_read_url=f"postgresql://u:p@127.0.0.1:{port}/db"), read)

    apart(scenario())


def serves(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def test_a_server_process_that_was_killed_is_counted_no_longer(fleet: Fleet) -> None:
    with fleet.process("cpm", "serve", "--role", "cpm", UVICORN_WORKERS="2") as (process, api):

        def workers() -> list[psutil.Process]:
            return [one for one in psutil.Process(process.pid).children() if serves(one)]

        def counted() -> bool:
            now = workers()
            return (
                len(now) == 2
                and 0.7 < figure(api, "memory_usage_bytes") / sum(one.memory_info().rss for one in now) < 1.3
            )

        eventually(counted)
        for _ in range(2):
            victim = workers()[0]
            victim.kill()
            eventually(lambda victim=victim: victim.pid not in {one.pid for one in workers()})
            eventually(counted)
