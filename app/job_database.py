"""A worker's own connections for its jobs: around the pooler, where one statement can be a whole transaction.

Through a transaction pooler each change takes five round trips (ping, BEGIN, parse, execute, COMMIT), here one:
statements are prepared once and commit by themselves. A connection that died is noticed by the statement, which a
worker sends again; the attempt number makes that safe.
"""

from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from app.database import CONNECT_SECONDS, Address, Database, leave_old_primary
from app.settings import Settings

# A change takes a millisecond, so two connections serve any number of jobs at once.
CONNECTIONS = 2


class JobDatabase(Database):
    """Implements app.database.Database for stores whose every change is one statement."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        address = Address.parse(settings.database_url_direct)
        arguments: dict[str, object] = {
            "timeout": CONNECT_SECONDS,
            "command_timeout": settings.database_statement_timeout_seconds,
            "server_settings": {"application_name": settings.service},
        }
        if address.tls is not None:
            arguments["ssl"] = address.tls
        self.writer = self.reader = create_async_engine(
            address.url,
            connect_args=arguments,
            isolation_level="AUTOCOMMIT",
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout_seconds,
            pool_recycle=settings.database_pool_recycle_seconds,
        )
        event.listen(self.writer.sync_engine, "handle_error", leave_old_primary)
