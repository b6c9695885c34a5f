"""The commands that move whole databases: backup, restore and its check, made-up data, anonymous copies."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel

from app.cli_base import ProductOption, configured, configured_for, reported
from app.products import DEFAULT, aftercare_of
from app.service_settings import ServiceSettings

Key = Annotated[str | None, typer.Option(help="A manifest's key in the bucket; default: the newest of the region.")]


Kind = TypeVar("Kind", bound=ServiceSettings)


def _reported(what: str, settings: Kind, work: Callable[[Kind], Coroutine[None, None, BaseModel]]) -> None:
    """Print the result as a line of JSON, and report a failure as every command does."""
    with reported(what):
        typer.echo(asyncio.run(work(settings)).model_dump_json())


def backup(product: ProductOption = DEFAULT) -> None:
    """Write the database and the application's state to s3://$BACKUP_BUCKET/db/<date>/."""
    from app.backup import backup as run

    _reported("backup", configured_for(product, task=True), run)


def restore(
    key: Key = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what the database holds; it is kept.")] = False,
    product: ProductOption = DEFAULT,
) -> None:
    """Restore a backup in the place of DATABASE_URL_DIRECT's database, after its rows were checked."""
    from app.restore import restore as run

    aftercare = aftercare_of(product)
    settings = configured_for(product, task=True)
    _reported("restore", settings, lambda given: run(given, key, force=force, aftercare=aftercare))


def restore_check(
    key: Key = None,
    within_hours: Annotated[float | None, typer.Option(min=1, help="Largest age of the backup, hours.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look for the backup, restore nothing.")] = False,
    product: ProductOption = DEFAULT,
) -> None:
    """Restore a backup into a database of its own, check its rows and its migration, and drop it again."""
    from app.restore_check import check

    settings = configured_for(product, task=True)
    _reported("restore check", settings, lambda given: check(given, key, within_hours=within_hours, dry_run=dry_run))


def seed() -> None:
    """Fill a development database with made-up clients and jobs; once, however often it is run."""
    from app.seed import seed as run

    _reported("seeding", configured(), run)


def anonymise(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be replaced.")] = False,
) -> None:
    """Replace all data about clients in a copy of production's database; refused in production."""
    from app.anonymise import anonymise as run

    _reported("anonymising", configured(), lambda settings: run(settings, dry_run=dry_run))
