"""Migrations of blog-ai: content generation's history, then its own, in one database that no other product takes."""

from __future__ import annotations

import asyncio
import json

import pytest
from blog_site import BlogFleet
from conftest import Servers, run_app
from shelf import run_sql
from sqlalchemy import inspect

from app.blog_ai.history import HISTORY
from app.blog_ai.settings import BlogSettings
from app.blog_ai.tables import metadata
from app.content_history import CONTENT
from app.database import Database, engine
from app.migrate import OtherDatabase, migrate
from app.schema import Schema, latest


def settings_for(url: str) -> BlogSettings:
    return BlogSettings(database_url=url, database_url_direct=url)  # type: ignore[arg-type]


def name_of(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]


@pytest.fixture
def empty_url(servers: Servers, blog_url: str) -> str:
    name = f"{name_of(blog_url)}_empty"
    run_sql(servers, "postgres", f"CREATE DATABASE {name} TEMPLATE template0")
    return servers.database_url(name)


async def ready(url: str) -> bool:
    database = Database(settings_for(url))
    try:
        async with database.read(fresh=True) as connection:
            return await Schema(HISTORY.parts()).ready(connection)
    finally:
        await database.close()


def test_content_generations_history_goes_first_and_the_products_own_has_a_table_of_its_own(
    servers: Servers, empty_url: str
) -> None:
    async def both() -> None:
        await asyncio.gather(*(migrate(settings_for(empty_url), history=HISTORY) for _ in range(2)))

    asyncio.run(both())
    done = asyncio.run(migrate(settings_for(empty_url), history=HISTORY))
    database = name_of(empty_url)
    assert done.version == latest(HISTORY.package) == HISTORY.head() == "0002"
    assert run_sql(servers, database, "SELECT version_num FROM alembic_version") == [(CONTENT.head(),)]
    assert run_sql(servers, database, "SELECT version_num FROM alembic_version_blog_ai") == [("0002",)]
    versions = [row[0] for row in run_sql(servers, database, "SELECT version FROM migration_history ORDER BY 1")]
    assert versions[0] == "0001" and versions[-1] == "alembic_version_blog_ai 0002"
    assert asyncio.run(ready(empty_url))


def test_a_database_is_ready_only_with_both_histories(servers: Servers, blog_url: str) -> None:
    run_sql(servers, name_of(blog_url), "DELETE FROM alembic_version_blog_ai")
    assert not asyncio.run(ready(blog_url))
    asyncio.run(migrate(settings_for(blog_url), history=HISTORY))
    assert asyncio.run(ready(blog_url))
    run_sql(servers, name_of(blog_url), "UPDATE alembic_version SET version_num = '0001'")
    assert not asyncio.run(ready(blog_url))


def test_a_migration_that_broke_off_between_the_histories_goes_on(servers: Servers, empty_url: str) -> None:
    asyncio.run(migrate(settings_for(empty_url), history=HISTORY))
    for statement in (
        "DELETE FROM alembic_version_blog_ai",
        "DROP TABLE stripe_events, stripe_subscriptions, pictures",
    ):
        run_sql(servers, name_of(empty_url), statement)
    assert asyncio.run(migrate(settings_for(empty_url), history=HISTORY)).version == "0002"
    assert run_sql(servers, name_of(empty_url), "SELECT count(*) FROM stripe_events") == [(0,)]


def test_neither_product_takes_the_others_database(servers: Servers, blog_url: str, database_url: str) -> None:
    with pytest.raises(OtherDatabase, match="has no table 'alembic_version_blog_ai', so it is not blog-ai's"):
        asyncio.run(migrate(settings_for(database_url), history=HISTORY))
    assert run_sql(servers, name_of(database_url), "SELECT to_regclass('stripe_events')") == [(None,)]
    refusal = "has the table 'alembic_version_blog_ai', so it is not content-generation's"
    with pytest.raises(OtherDatabase, match=refusal):
        asyncio.run(migrate(settings_for(blog_url)))


def test_the_code_sees_the_tables_as_the_migrations_make_them(blog_url: str) -> None:
    async def compared() -> list[str]:
        settings = settings_for(blog_url)
        there = engine(settings, settings.database_url_direct)
        wrong = []
        async with there.connect() as connection:
            for table in metadata.sorted_tables:
                columns = await connection.run_sync(lambda sync, name=table.name: inspect(sync).get_columns(name))
                found = {column["name"]: column["nullable"] for column in columns}
                if found != {column.name: column.nullable for column in table.columns}:
                    wrong.append(f"{table.name}: {found}")
        await there.dispose()
        return wrong

    assert asyncio.run(compared()) == []


def test_the_commands_of_the_product_migrate_and_care_for_its_database(
    blog_fleet: BlogFleet, servers: Servers, empty_url: str
) -> None:
    own = {"DATABASE_URL": empty_url, "DATABASE_URL_DIRECT": empty_url}
    migrated = run_app(blog_fleet.fleet, "migrate", **own)
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    assert json.loads(migrated.stdout.splitlines()[-1])["version"] == "0002"
    for age in ("61 days", "59 days"):
        statement = f"INSERT INTO stripe_events VALUES ('evt {age}', now() - interval '{age}')"  # noqa: S608
        run_sql(servers, name_of(empty_url), statement)
    cared = run_app(blog_fleet.fleet, "maintenance", "weekly", **own)
    assert cared.returncode == 0, cared.stdout
    assert "stripe events" in {json.loads(line)["task"] for line in cared.stdout.splitlines()}
    assert run_sql(servers, name_of(empty_url), "SELECT id FROM stripe_events") == [("evt 59 days",)]
