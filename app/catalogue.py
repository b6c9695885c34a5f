"""The tables of a database, their rows, and its migration, as a connection sees them."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.history import VERSIONS

_TABLES = (
    "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = current_schema() AND c.relkind = 'r' ORDER BY 1"
)


async def tables(connection: AsyncConnection) -> list[str]:
    """Every ordinary table of the schema, partitions among them, ready to stand in a statement."""
    return [str(row[0]) for row in await connection.execute(text(_TABLES))]


async def row_counts(connection: AsyncConnection) -> dict[str, int]:
    """Rows of every ordinary table, as the connection's transaction sees them."""
    counts: dict[str, int] = {}
    for table in await tables(connection):
        counted = await connection.execute(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
        counts[table] = int(counted.scalar_one())
    return counts


async def migration_of(connection: AsyncConnection, versions: str = VERSIONS) -> str | None:
    """The newest migration in a table of versions; None where the table is empty or missing."""
    if (await connection.execute(text("SELECT to_regclass(:table)"), {"table": versions})).scalar() is None:
        return None
    return (await connection.execute(text(f"SELECT max(version_num) FROM {versions}"))).scalar()  # noqa: S608
