"""Base of every command: settings, and failures as log line and exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import structlog
import typer

from app.process_settings import ConfigurationError, ProcessSettings, load
from app.product import Process
from app.products import process_settings, products, settings_of, worker_of
from app.queue_names import Queue
from app.service_settings import ServiceSettings
from app.settings import Settings
from app.telemetry import logs

FAILED, MISCONFIGURED = 1, 2


def _known(product: str) -> str:
    if product not in products():
        raise typer.BadParameter(f"'{product}' is no product; products are {', '.join(products())}")
    return product


ProductOption = Annotated[
    str, typer.Option("--product", envvar="PRODUCT", parser=_known, help="Product whose data is meant.")
]


def configured() -> Settings:
    """Content generation's settings and logs, or every configuration error on standard error and exit code 2."""
    with _refusals():
        settings = load(Settings)
    logs.configure(settings)
    return settings


def configured_for(product: str, *, task: bool) -> ServiceSettings:
    """The same for a command that every product has; a ``task`` goes around the pooler."""
    with _refusals():
        settings = load(settings_of(product, task=task))
    logs.configure(settings)
    return settings


def configured_process(process: Process) -> ProcessSettings:
    """The same for a process that serves or takes jobs."""
    with _refusals():
        settings = process_settings(process)
    logs.configure(settings)
    return settings


def allowed(problem: str | None) -> None:
    """Exit code 2 with the problem, if there is one."""
    with _refusals():
        if problem is not None:
            raise ConfigurationError((problem,))


def configured_worker(product: str, queue: Queue) -> Process:
    """Process that takes a queue's jobs; exit code 2 where the product has none."""
    with _refusals():
        return worker_of(product, queue)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"configuration: {problem}", err=True)
        raise typer.Exit(MISCONFIGURED) from None


@contextmanager
def reported(what: str) -> Iterator[None]:
    """A failure becomes one log line with its trace and exit code 1."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  the last line of a command: logged with its trace, and an exit code
        structlog.get_logger("app").exception(f"{what} failed", error_type=type(error).__name__)
        raise typer.Exit(FAILED) from None
