"""What every command shares: reading the settings, and telling failures by log line and exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import typer

from app.settings import ConfigurationError, Settings, load_settings
from app.telemetry import logs

FAILED, MISCONFIGURED = 1, 2


def configured(*, writes: bool = False) -> Settings:
    """Settings and logs, or every configuration error on standard error and exit code 2.

    `writes` says that the process will ask providers for texts, so that those settings are judged too.
    """
    try:
        settings = load_settings()
        if writes and settings.writing_problem:
            raise ConfigurationError((settings.writing_problem,))
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
    except Exception as error:  # noqa: BLE001  the last line of a command: logged with its trace, and an exit code
        structlog.get_logger("app").exception(f"{what} failed", error_type=type(error).__name__)
        raise typer.Exit(FAILED) from None
