"""`python -m app`: what the image can do. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import structlog
import typer

from app.settings import ConfigurationError, Settings, load_settings
from app.telemetry import logs

FAILED, MISCONFIGURED = 1, 2
main = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)


class ServeRole(StrEnum):
    """The roles that answer requests."""

    CPM = "cpm"
    IM = "im"


def configured() -> Settings:
    """Settings and logs, or every configuration error on standard error and exit code 2."""
    try:
        settings = load_settings()
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"configuration: {problem}", err=True)
        raise typer.Exit(MISCONFIGURED) from None
    logs.configure(settings)
    return settings


@contextmanager
def reported(what: str) -> Iterator[None]:
    """A failure becomes one log line with its trace and exit code 1."""
    try:
        yield
    except Exception as error:
        structlog.get_logger("app").exception(f"{what} failed", error_type=type(error).__name__)
        raise typer.Exit(FAILED) from None


@main.command()
def serve(role: Annotated[ServeRole, typer.Option(help="cpm takes requests, im writes.")]) -> None:
    """Serve a role on PORT until a signal."""
    from app.server import serve as run

    run(configured(), role)


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


@main.command()
def backup() -> None:
    """Write the database and the application's state to s3://$BACKUP_BUCKET/db/<date>/."""
    from app.backup import backup as run

    settings = configured()
    with reported("backup"):
        typer.echo(json.dumps(asdict(run(settings))))
