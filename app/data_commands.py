"""The commands that move whole databases: backup, restore and its check, made-up data, anonymous copies."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated

import typer
from pydantic import BaseModel

from app.cli_base import configured, reported
from app.settings import Settings

Key = Annotated[str | None, typer.Option(help="A manifest's key in the bucket; default: the newest of the region.")]


def _told(what: str, work: Callable[[Settings], Coroutine[None, None, BaseModel]]) -> None:
    """Print the result as a line of JSON, and report a failure as every command does."""
    settings = configured()
    with reported(what):
        typer.echo(asyncio.run(work(settings)).model_dump_json())


def backup() -> None:
    """Write the database and the application's state to s3://$BACKUP_BUCKET/db/<date>/."""
    from app.backup import backup as run

    _told("backup", run)


def restore(
    key: Key = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what the database holds; it is kept.")] = False,
) -> None:
    """Restore a backup in the place of DATABASE_URL_DIRECT's database, after its rows were checked."""
    from app.restore import restore as run

    _told("restore", lambda settings: run(settings, key, force=force))


def restore_check(
    key: Key = None,
    within_hours: Annotated[float | None, typer.Option(min=1, help="Largest age of the backup, hours.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look for the backup, restore nothing.")] = False,
) -> None:
    """Restore a backup into a database of its own, check its rows and its migration, and drop it again."""
    from app.restore_check import check

    _told("restore check", lambda settings: check(settings, key, within_hours=within_hours, dry_run=dry_run))


def seed() -> None:
    """Fill a development database with made-up clients and jobs; once, however often it is run."""
    from app.seed import seed as run

    _told("seeding", run)


def anonymise(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be replaced.")] = False,
) -> None:
    """Replace all data about clients in a copy of production's database; refused in production."""
    from app.anonymise import anonymise as run

    _told("anonymising", lambda settings: run(settings, dry_run=dry_run))
