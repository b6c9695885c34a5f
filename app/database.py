"""Postgres as the service sees it: one pool for writes, one for reads, safe behind a transaction pooler.

PgBouncer 1.18 in transaction mode knows no named prepared statements and refuses unknown startup parameters: statements
are unnamed, and the time limit of requests is kept by the client. Tasks go around it, and the server keeps theirs.
"""

import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import asyncpg
import structlog
from pydantic import SecretStr
from sqlalchemy import URL, Executable, Row, event, make_url
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.service_settings import ServiceSettings
from app.telemetry.metrics import DEGRADED
from app.time_limits import Task, milliseconds

CONNECT_SECONDS = 5.0
# A replica answers at once or is not worth waiting for: the primary has the same rows.
REPLICA_CONNECT_SECONDS = 1.0
# A replica that failed is not asked again before this has passed; twice as long after each further failure.
REPLICA_PAUSE_SECONDS = 5.0
REPLICA_LONGEST_PAUSE_SECONDS = 300.0
TRUSTED_SECONDS = 1.0
"""A connection that was handed out so recently is not asked whether it lives."""
READ_ONLY, LOCK_NOT_AVAILABLE = "25006", "55P03"
_LOG = structlog.get_logger("app.database")

# What says "the database cannot serve us now" rather than "our statement is wrong". The driver calls it an error of its
# own when a connection dies between a question and its answer.
UNAVAILABLE = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class DatabaseUnavailable(Exception):
    """The database did not serve a request; nothing was stored, so the client may send it again."""


class OutcomeUnknown(DatabaseUnavailable):
    """The answer to COMMIT was lost: the change may have been stored, or not. Sending it again may do it twice."""


@dataclass(frozen=True)
class Address:
    """A postgresql:// URL split into the parts that SQLAlchemy and asyncpg each take."""

    url: URL
    tls: ssl.SSLContext | str | None

    @classmethod
    def parse(cls, secret: SecretStr) -> "Address":
        """Take sslmode and sslrootcert out of the query: SQLAlchemy would hand them to asyncpg under wrong names."""
        url = make_url(secret.get_secret_value())
        query = dict(url.query)
        mode, root = query.pop("sslmode", None), query.pop("sslrootcert", None)
        tls: ssl.SSLContext | str | None = str(mode) if mode else None
        if root and mode in ("verify-ca", "verify-full"):
            tls = ssl.create_default_context(cafile=str(root))
            tls.check_hostname = mode == "verify-full"
        return cls(url.set(drivername="postgresql+asyncpg", query=query), tls)


def _shares(settings: ServiceSettings) -> tuple[ServiceSettings, ServiceSettings]:
    """The pool settings of a process for its writer and its reader, which together are what one process may open: the
    worst case of connections counts that once a process (requirement Y03).
    """
    size, overflow = settings.database_pool_size, settings.database_max_overflow
    reader = {"database_pool_size": max(1, size // 2), "database_max_overflow": overflow // 2}
    writer = {"database_pool_size": max(1, size - size // 2), "database_max_overflow": overflow - overflow // 2}
    return settings.model_copy(update=writer), settings.model_copy(update=reader)


class Database:
    """The pools of one process (B02, E09). A `task` goes around the pooler, and has its own time limit."""

    def __init__(self, settings: ServiceSettings, *, task: Task | None = None) -> None:
        primary = settings.database_url_direct if task else settings.database_url
        replica = None if task else settings.database_read_url
        if replica is None or replica == settings.database_url:
            self.writer = self.reader = engine(settings, primary, task)
        else:
            own, shared = _shares(settings)
            self.writer = engine(own, primary, task)
            self.reader = engine(shared, replica, connect=REPLICA_CONNECT_SECONDS)
        self._replica_back_at = 0.0
        self._replica_pause = REPLICA_PAUSE_SECONDS

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction on the primary. Raises DatabaseUnavailable when it cannot be had or kept, and OutcomeUnknown
        when it is not known whether it was stored.
        """
        with Translated():
            async with self.writer.connect() as connection:
                yield connection
                try:
                    await connection.commit()
                except UNAVAILABLE as error:
                    if _refused(error):
                        raise
                    raise OutcomeUnknown(_described(error)) from error

    @asynccontextmanager
    async def read(self, *, fresh: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection for reading, from the replica unless `fresh` data is needed (B02), or the replica is gone."""
        with Translated():
            connection, replica = await self._reading(fresh=fresh)
            try:
                yield connection
            except UNAVAILABLE as error:
                if replica and not _is_our_mistake(error):
                    self._replica_failed(error)
                raise
            finally:
                await connection.close()
            if replica:
                self._replica_pause = REPLICA_PAUSE_SECONDS

    async def _reading(self, *, fresh: bool) -> tuple[AsyncConnection, bool]:
        now = time.monotonic()
        if not fresh and self.reader is not self.writer and now >= self._replica_back_at:
            back_at = self._replica_back_at
            if back_at:
                # After a failure one request tries; the others need not wait with it.
                self._replica_back_at = now + self._replica_pause
            try:
                connection = await self.reader.connect()
            except UNAVAILABLE as error:
                self._replica_failed(error)
            else:
                self._replica_back_at = 0.0
                return connection, True
        return await self.writer.connect(), False

    def _replica_failed(self, error: BaseException) -> None:
        self._replica_back_at = time.monotonic() + self._replica_pause
        self._replica_pause = min(2 * self._replica_pause, REPLICA_LONGEST_PAUSE_SECONDS)
        DEGRADED.labels("replica").inc()
        _LOG.warning("reading from the primary", error_type=type(error).__name__, error=str(error)[:200])

    async def rows(
        self, statement: Executable, *, first: Executable | None = None, fresh: bool = False
    ) -> "Sequence[Row[tuple[object, ...]]]":
        """Run a statement after the statements ``first`` in one transaction; from the primary for ``fresh`` data. Asked
        once more of the primary when the connection or the replica is lost meanwhile, as happens whenever a pooler is
        replaced: reading twice does no harm. A primary that is too slow is not asked again. Raises DatabaseUnavailable.
        """
        try:
            return await self._rows_once(statement, first, fresh=fresh)
        except DatabaseUnavailable as error:
            if isinstance(error.__cause__, (TimeoutError, PoolTimeout)) and (fresh or self.reader is self.writer):
                raise
            _LOG.info("reading once more", error=str(error))
        return await self._rows_once(statement, first, fresh=True)

    async def _rows_once(
        self, statement: Executable, first: Executable | None, *, fresh: bool
    ) -> "Sequence[Row[tuple[object, ...]]]":
        """The same from one place."""
        async with self.read(fresh=fresh) as connection:
            if first is not None:
                await connection.execute(first)
            return (await connection.execute(statement)).all()

    @property
    def connections_in_use(self) -> int:
        """Connections checked out of the pools of this process."""
        engines = {id(engine): engine for engine in (self.writer, self.reader)}
        return sum(engine.pool.checkedout() for engine in engines.values())  # type: ignore[attr-defined]

    async def __aenter__(self) -> "Database":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give every connection back."""
        await self.writer.dispose()
        if self.reader is not self.writer:
            await self.reader.dispose()


class Translated:
    """Turn the drivers' many ways of saying "gone" into DatabaseUnavailable; a wrong statement stays what it is."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, UNAVAILABLE) and not _is_our_mistake(error):
            raise DatabaseUnavailable(_described(error)) from error


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE that the server gave; empty when it gave none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or "")


def _is_our_mistake(error: BaseException) -> bool:
    # Classes 22 (data), 23 (constraint) and 42 (syntax, names) are ours; read-only (25006) means a failover.
    return sqlstate(error)[:2] in ("22", "23", "42")


def _refused(error: BaseException) -> bool:
    """True if the server itself said that it did not commit; class 08 is a lost connection, 57 a server that ends."""
    return sqlstate(error)[:2] not in ("", "08", "57")


async def driver(connection: AsyncConnection) -> asyncpg.Connection:
    """asyncpg's connection under a transaction, for libraries that speak to asyncpg (the queue).

    SQLAlchemy begins a transaction with the first statement it sends, so a statement must have been sent through it.
    """
    raw = await connection.get_raw_connection()
    found = raw.driver_connection
    assert isinstance(found, asyncpg.Connection)
    return found


class _Stateless(asyncpg.Connection):
    """A connection of the queue: its statements leave nothing behind, so giving it back needs no round trip."""

    def get_reset_query(self) -> str:
        """Nothing; a transaction that was left open is rolled back all the same."""
        return ""


async def queue_pool(settings: ServiceSettings) -> "asyncpg.Pool":
    """The worker's own connections, direct because LISTEN does not pass a transaction pooler.

    They do not wait for the disk: whether a job is done is decided by its own row, which does. After a crash of the
    server a job may be handed out again, and is then found to be done, or fenced.
    """
    return await asyncpg.create_pool(
        settings.database_url_direct.get_secret_value().replace("postgresql+asyncpg://", "postgresql://"),
        min_size=2,
        max_size=2,
        connection_class=_Stateless,
        timeout=CONNECT_SECONDS,
        command_timeout=settings.database_statement_timeout_seconds,
        server_settings={"application_name": f"{settings.service}-queue", "synchronous_commit": "off"},
    )


def _unnamed() -> str:
    return ""


class _Liveness:
    """Check that a pooled connection still lives, made before it is handed out.

    A connection that the other side has closed is known as closed without a question. One that vanished without a word
    (a partition, a machine that is gone) is found by a round trip, which a connection that has just worked is spared:
    under load it would be one of seven of every transaction.
    """

    def __init__(self) -> None:
        self._handed_out: WeakKeyDictionary[asyncpg.Connection, float] = WeakKeyDictionary()

    def __call__(self, connection: AsyncAdapt_asyncpg_connection) -> bool:
        """SQLAlchemy's place for its ping, whose own takes three round trips."""
        raw, now = connection.driver_connection, time.monotonic()
        assert isinstance(raw, asyncpg.Connection)
        if raw.is_closed():
            return False
        if now - self._handed_out.get(raw, -TRUSTED_SECONDS) >= TRUSTED_SECONDS:
            try:
                connection.run_async(lambda driver: driver.execute("SELECT 1"))
            except UNAVAILABLE:
                return False
        self._handed_out[raw] = now
        return True


def engine(
    settings: ServiceSettings, secret: SecretStr, task: Task | None = None, *, connect: float = CONNECT_SECONDS
) -> AsyncEngine:
    """A pool on one address. A `task` is expected to go around the pooler: the server keeps its time limit."""
    address = Address.parse(secret)
    limit = {} if task is None else {"statement_timeout": str(milliseconds(task))}
    name = settings.service if task is None else f"{settings.service}-{task}"
    arguments: dict[str, object] = {
        "timeout": connect,
        "command_timeout": settings.database_statement_timeout_seconds if task is None else None,
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": _unnamed,
        "server_settings": {"application_name": name, **limit},
    }
    if address.tls is not None:
        arguments["ssl"] = address.tls
    made = create_async_engine(
        address.url,
        connect_args=arguments,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
        pool_timeout=settings.database_pool_timeout_seconds,
        pool_recycle=settings.database_pool_recycle_seconds,
        pool_pre_ping=True,
    )
    made.sync_engine.dialect.do_ping = _Liveness()  # type: ignore[method-assign]
    event.listen(made.sync_engine, "handle_error", leave_old_primary)
    return made


def leave_old_primary(context: ExceptionContext) -> None:
    """A server that refuses to write is a primary no longer: the pool drops its connections and makes new ones."""
    if sqlstate(context.original_exception) == READ_ONLY:
        context.is_disconnect = True
