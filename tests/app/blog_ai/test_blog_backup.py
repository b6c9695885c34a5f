"""Backups of blog-ai's database: both histories and the subscriptions in them, without clients erased since (X03)."""

from __future__ import annotations

import asyncio

import pytest
from blog_site import BlogFleet
from conftest import Servers
from shelf import Shelf, run_sql, shelf_in

from app.blog_ai.settings import BlogSettings
from app.blog_ai.tables import OWNED
from app.database import Database
from app.privacy import erase


@pytest.fixture
def shelf(blog_fleet: BlogFleet, servers: Servers, aws: str) -> Shelf:
    return shelf_in(blog_fleet.fleet, servers, aws)


@pytest.mark.requirement("X03")
def test_a_restored_database_has_its_subscriptions_but_those_of_clients_that_were_erased_since(
    shelf: Shelf, servers: Servers, blog_url: str
) -> None:
    database = blog_url.rpartition("/")[2].partition("?")[0]
    for client in ("acme", "other"):
        statement = f"INSERT INTO stripe_subscriptions (id, client_id) VALUES ('sub_{client}', '{client}')"  # noqa: S608
        run_sql(servers, database, statement)
    manifest = shelf.backup()
    assert (manifest["tables"]["stripe_subscriptions"], manifest["tables"]["alembic_version_blog_ai"]) == (2, 1)
    status, output = shelf.check()
    assert status == 0, output

    async def erased() -> None:
        async with Database(BlogSettings(database_url=blog_url, database_url_direct=blog_url)) as there:  # type: ignore[arg-type]
            await erase(there, "acme", more=OWNED)

    asyncio.run(erased())
    run_sql(servers, database, "DELETE FROM stripe_subscriptions")
    status, output = shelf.restore(database, "--force")
    assert status == 0, output
    assert run_sql(servers, database, "SELECT id FROM stripe_subscriptions") == [("sub_other",)]
