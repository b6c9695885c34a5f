"""Migrations on a real Postgres."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from conftest import eventually
from starlette.testclient import TestClient

from app import migrations
from app.database import engine
from app.migrate import Migrated, head, migrate
from app.partitions import JobIndex, Month, index_statements, months_needed
from app.schema import latest
from app.settings import Settings

RELEASES = sorted((Path(__file__).parent / "releases").glob("*.sql"))


async def fetch(url: str, query: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query, *values))
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
    assert {row[0] for row in indexes} == {"jobs_pkey", "jobs_open", "jobs_client", "jobs_owner", "jobs_failed"}
    assert all(row[1] for row in indexes)


@pytest.mark.requirement("A12")
def test_indexes_have_the_documents_columns_and_keys_the_time_of_creation(database_url: str) -> None:
    query = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'jobs'"
    found = {row[0]: row[1].partition(" USING btree ")[2] for row in asyncio.run(fetch(database_url, query))}
    opened = re.sub(r"::text|::character varying|\[\]", "", found["jobs_open"])
    opened = (
        opened.replace("(status)", "status").replace("((ARRAY", "(ARRAY").replace("]))))", "]))").replace("((s", "(s")
    )
    assert opened == "(status, created_at DESC) WHERE (status = ANY (ARRAY['pending', 'in_progress']))"
    assert found["jobs_client"] == "(client_id, created_at DESC)"
    assert "created_at" in found["jobs_pkey"]


@pytest.mark.requirement("A12")
def test_an_index_of_a_partition_is_built_without_blocking_writers(settings: Settings) -> None:
    async def planned() -> list[str]:
        there = engine(settings, settings.database_url_direct)
        async with there.connect() as connection:
            index = JobIndex("jobs_new", "(created_at)")
            found = await connection.run_sync(lambda sync: list(index_statements(sync, index)))
        await there.dispose()
        return found

    first, *others = asyncio.run(planned())
    assert first == "CREATE INDEX IF NOT EXISTS jobs_new ON ONLY jobs (created_at)", "of no row, so it holds no lock"
    built = [line for line in others if line.startswith("CREATE INDEX ")]
    assert len(built) >= 5, "one a partition"
    assert all(line.startswith("CREATE INDEX CONCURRENTLY ") for line in built)


def test_months_run_over_the_end_of_a_year() -> None:
    assert Month(2026, 11).plus(3) == Month(2027, 2)
    assert Month(2026, 1).plus(-1) == Month(2025, 12)


def test_a_migration_gives_up_rather_than_wait_behind_a_long_lock(
    make_settings: Callable[..., Settings], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.migrate.LOCK_PATIENCE_SECONDS", 0)

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


def test_a_migration_that_meets_a_backup_is_done_after_it(
    make_settings: Callable[..., Settings], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = months_needed(datetime.now(UTC))[-1].table
    asyncio.run(fetch(database_url, f"DROP TABLE {month}"))

    async def beside_a_dump() -> tuple[str, ...]:
        dump = await asyncpg.connect(database_url)
        reading = dump.transaction()
        await reading.start()
        await dump.execute("LOCK TABLE jobs_default IN ACCESS SHARE MODE")

        async def refused(_: float) -> None:
            await reading.rollback()

        monkeypatch.setattr("app.migrate.asyncio.sleep", refused)
        try:
            return (await migrate(make_settings(migration_lock_timeout_seconds=0.2))).partitions
        finally:
            await dump.close()

    assert asyncio.run(beside_a_dump()) == (month,)


@pytest.mark.requirement("A13")
@pytest.mark.requirement("S09")
@pytest.mark.parametrize(
    "release", sorted((Path(__file__).parent / "releases").glob("*.sql")), ids=lambda path: path.stem
)
def test_the_code_of_the_previous_release_works_on_the_newest_schema(release: Path, database_url: str) -> None:
    statements = release.read_text().split(";\n")

    async def speak() -> None:
        connection = await asyncpg.connect(database_url)
        try:
            for statement in statements:
                words = "\n".join(line for line in statement.splitlines() if not line.startswith("--")).strip()
                if words:
                    status = await connection.execute(words)
                    assert status.split()[-1] != "0", f"no rows: {words}"
        finally:
            await connection.close()

    asyncio.run(speak())


@pytest.mark.requirement("A13")
@pytest.mark.requirement("S09")
def test_this_release_goes_on_while_the_schema_is_expanded_under_it(client: TestClient, database_url: str) -> None:
    """Migrations of the next release may do this while this one still takes requests."""
    body = {"topic": "Growing tomatoes on a balcony", "content_type": "social", "client_id": "acme"}
    assert client.post("/generate", json=body).status_code == 202
    for statement in (
        "ALTER TABLE jobs ADD COLUMN first text",
        "ALTER TABLE jobs ADD COLUMN second integer NOT NULL DEFAULT 7",
        "ALTER TABLE api_keys ADD COLUMN third jsonb",
        "CREATE TABLE fourth (id bigint PRIMARY KEY)",
        "UPDATE alembic_version SET version_num = '9999'",
    ):
        asyncio.run(fetch(database_url, statement))
        accepted = client.post("/generate", json=body)
        assert accepted.status_code == 202, statement
        assert client.get(accepted.json()["status_url"]).json()["status"] == "pending"
        assert client.post(f"/cancel/{accepted.json()['job_id']}").status_code == 200
        assert client.get("/ready").status_code == 200


@pytest.mark.requirement("S09")
def test_a_pod_is_not_ready_before_its_migrations_and_becomes_so_by_itself(
    make_client: Callable[..., TestClient], database_url: str
) -> None:
    asyncio.run(fetch(database_url, "UPDATE alembic_version SET version_num = '0001'"))
    client = make_client()
    assert client.get("/ready").json() == {"status": "waiting for migrations", "degraded": []}
    assert client.get("/ready").status_code == 503
    asyncio.run(fetch(database_url, "UPDATE alembic_version SET version_num = $1", head()))
    eventually(lambda: client.get("/ready").status_code == 200)


@pytest.mark.requirement("E09")
def test_migrations_go_around_the_pooler(make_settings: Callable[..., Settings]) -> None:
    """With a pooler that is not there: advisory locks and CREATE INDEX CONCURRENTLY do not pass one."""
    asyncio.run(migrate(make_settings(database_url="postgresql://u:p@127.0.0.1:1/db")))
    with pytest.raises(OSError, match="Connect"):
        asyncio.run(migrate(make_settings(database_url_direct="postgresql://u:p@127.0.0.1:1/db")))


def test_the_schema_a_pod_waits_for_is_the_newest_migration() -> None:
    assert latest() == head()


@pytest.mark.requirement("S09")
def test_a_release_that_is_rolled_back_to_leaves_the_newer_schema_as_it_is(
    make_settings: Callable[..., Settings], database_url: str
) -> None:
    month = months_needed(datetime.now(UTC))[-1].table
    asyncio.run(fetch(database_url, f"DROP TABLE {month}"))
    asyncio.run(fetch(database_url, "UPDATE alembic_version SET version_num = '9999'"))
    assert asyncio.run(migrate(make_settings())) == Migrated("9999", (month,))
    assert asyncio.run(fetch(database_url, "SELECT version_num FROM alembic_version"))[0][0] == "9999"


@pytest.mark.requirement("A13")
def test_no_migration_goes_backward() -> None:
    for path in (Path(migrations.__file__).parent / "versions").glob("0*.py"):
        assert "def downgrade" not in path.read_text(), path.name


@pytest.mark.requirement("A13")
def test_the_time_of_a_migration_is_recorded_with_it(database_url: str) -> None:
    rows = asyncio.run(fetch(database_url, "SELECT version, applied_at FROM migration_history ORDER BY version"))
    assert [row["version"] for row in rows] == ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"]
    assert all(row["applied_at"].tzinfo for row in rows)


@pytest.mark.requirement("A12")
def test_every_partition_has_all_indexes_and_one_made_later_gets_them(database_url: str) -> None:
    query = (
        "SELECT c.relname, count(i.indexrelid) AS indexes, bool_and(i.indisvalid) AS valid FROM pg_inherits p"
        " JOIN pg_class c ON c.oid = p.inhrelid JOIN pg_index i ON i.indrelid = c.oid"
        " WHERE p.inhparent = 'jobs'::regclass GROUP BY 1"
    )
    add = "CREATE TABLE jobs_2040_01 PARTITION OF jobs FOR VALUES FROM ('2040-01-01') TO ('2040-02-01')"
    asyncio.run(fetch(database_url, add))
    rows = asyncio.run(fetch(database_url, query))
    assert len(rows) >= 6
    assert all(row["indexes"] == 5 and row["valid"] for row in rows), rows
