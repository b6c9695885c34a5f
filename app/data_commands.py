"""The commands that move whole databases: backup, restore and its check, made-up data, anonymous copies."""

import asyncio
from typing import Annotated

import typer

from app.cli_base import configured, reported

Key = Annotated[str | None, typer.Option(help="A manifest's key in the bucket; default: the newest of the region.")]


def backup() -> None:
    """Write the database and the application's state to s3://$BACKUP_BUCKET/db/<date>/."""
    from app.backup import backup as run

    settings = configured()
    with reported("backup"):
        typer.echo(asyncio.run(run(settings)).model_dump_json())


def restore(
    key: Key = None, force: Annotated[bool, typer.Option("--force", help="Drop what the database holds.")] = False
) -> None:
    """Restore a backup into DATABASE_URL_DIRECT and check every table's rows against the backup's manifest."""
    from app.restore import restore as run

    settings = configured()
    with reported("restore"):
        typer.echo(asyncio.run(run(settings, key, force=force)).model_dump_json())


def restore_check(
    key: Key = None,
    within_hours: Annotated[float | None, typer.Option(min=1, help="How old the backup may be.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look for the backup, restore nothing.")] = False,
) -> None:
    """Restore a backup into a database of its own, check its rows and its migration, and drop it again."""
    from app.restore_check import check

    settings = configured()
    with reported("restore check"):
        done = asyncio.run(check(settings, key, within_hours=within_hours, dry_run=dry_run))
        typer.echo(done.model_dump_json())


def seed() -> None:
    """Fill a development database with made-up clients and jobs; once, however often it is run."""
    from app.seed import seed as run

    settings = configured()
    with reported("seeding"):
        typer.echo(asyncio.run(run(settings)).model_dump_json())


def anonymise(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be replaced.")] = False,
) -> None:
    """Replace everything that tells of clients in a copy of production's database; refused in production."""
    from app.anonymise import anonymise as run

    settings = configured()
    with reported("anonymising"):
        typer.echo(asyncio.run(run(settings, dry_run=dry_run)).model_dump_json())
