"""`python -m app`: what the image can do. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."""

import asyncio
from enum import StrEnum
from typing import Annotated

import structlog
import typer

from app import data_commands, operating
from app.cli_base import configured, configured_alone, reported

main = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
main.add_typer(operating.keys, name="keys")
main.add_typer(operating.flags, name="flags")
main.command()(operating.mode)
main.command()(operating.health)
main.command()(operating.database)
main.command()(operating.maintenance)
main.command()(data_commands.backup)
main.command()(data_commands.restore)
main.command()(data_commands.restore_check)
main.command()(data_commands.seed)
main.command()(data_commands.anonymise)


class ServeRole(StrEnum):
    """The roles that answer requests."""

    CPM = "cpm"
    IM = "im"
    FRONTEND = "frontend"


@main.command()
def serve(
    role: Annotated[ServeRole, typer.Option(help="cpm: requests, im: writing, frontend: the page.")],
) -> None:
    """Serve a role on PORT until a signal."""
    from app.server import serve as run

    run(configured_alone() if role is ServeRole.FRONTEND else configured(writes=role is ServeRole.IM), role)


@main.command()
def worker() -> None:
    """Take jobs from the queue until a signal; /health, /ready and /metrics on PORT."""
    from app.server import serve as run

    run(configured(), "worker")


@main.command()
def migrate() -> None:
    """Bring the database to this release; safe to run twice and at the same time."""
    from app.migrate import migrate as run

    settings = configured()
    with reported("migration"):
        done = asyncio.run(run(settings))
        structlog.get_logger("app").info("migrated", version=done.version, partitions=list(done.partitions))
