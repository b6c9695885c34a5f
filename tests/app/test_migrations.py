"""Migrations on a real Postgres."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import asyncpg
import pytest

from app.migrate import head, migrate
from app.partitions import Month, months_needed
from app.settings import Settings


async def fetch(url: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


@pytest.mark.requirement("A13")
def test_migrating_twice_and_at_the_same_time_changes_nothing_more(settings: Settings, database_url: str) -> None:
    async def both() -> None:
        await asyncio.gather(migrate(settings), migrate(settings))

    asyncio.run(both())
    rows = asyncio.run(fetch(database_url, "SELECT version FROM migration_history ORDER BY version"))
    assert [row["version"] for row in rows][-1] == head()
    assert asyncio.run(fetch(database_url, "SELECT version_num FROM alembic_version"))[0][0] == head()


@pytest.mark.requirement("A12")
def test_partitions_exist_for_this_month_and_three_ahead_with_valid_indexes(database_url: str) -> None:
    names = {row[0] for row in asyncio.run(fetch(database_url, "SELECT relname FROM pg_class WHERE relkind = 'r'"))}
    assert {month.table for month in months_needed(datetime.now(UTC))} <= names
    indexes = asyncio.run(
        fetch(
            database_url,
            "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 'jobs'::regclass",
        )
    )
    assert {row[0] for row in indexes} == {"jobs_pkey", "jobs_open", "jobs_client"}
    assert all(row[1] for row in indexes)


def test_months_run_over_the_end_of_a_year() -> None:
    assert Month(2026, 11).plus(3) == Month(2027, 2)
    assert Month(2026, 1).plus(-1) == Month(2025, 12)


def test_a_migration_gives_up_rather_than_wait_behind_a_long_lock(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    async def blocked() -> None:
        connection = await asyncpg.connect(database_url)
        try:
            for month in months_needed(datetime.now(UTC))[-1:]:
                await connection.execute(f"DROP TABLE {month.table}")
            async with connection.transaction():
                await connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
                await migrate(make_settings(migration_lock_timeout_seconds=0.2))
        finally:
            await connection.close()

    with pytest.raises(Exception, match="lock timeout"):
        asyncio.run(blocked())
