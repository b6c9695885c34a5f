"""Base of every command: settings, and failures as log line and exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import structlog
import typer

from app.process_settings import ConfigurationError, ProcessSettings, load
from app.products import Product, names, settings_of
from app.queue_names import Queue
from app.service_settings import ServiceSettings
from app.settings import Settings
from app.telemetry import logs

FAILED, MISCONFIGURED = 1, 2


def _known(product: str) -> str:
    if product not in names():
        raise typer.BadParameter(f"'{product}' is no product; products are {', '.join(names())}")
    return product


ProductOption = Annotated[
    str, typer.Option("--product", envvar="PRODUCT", parser=_known, help="Product whose data is meant.")
]


def configured(kind: type[Settings] = Settings, *, writes: bool = False, works: bool = False) -> Settings:
    """Settings and logs, or every configuration error on standard error and exit code 2.

    Settings of providers are judged too for a process that ``writes``, and for one that ``works`` where workers write
    themselves.
    """
    with _refusals():
        settings = load(kind)
        if (writes or (works and settings.writes_itself)) and settings.writing_problem:
            raise ConfigurationError((settings.writing_problem,))
    logs.configure(settings)
    return settings


def configured_for(product: str, *, task: bool) -> ServiceSettings:
    """The same for a command that every product has; a ``task`` goes around the pooler."""
    with _refusals():
        settings = load(settings_of(product, task=task))
    logs.configure(settings)
    return settings


def configured_alone(kind: type[ProcessSettings] = ProcessSettings) -> ProcessSettings:
    """The same for a process without dependencies: neither a database nor a secret."""
    with _refusals():
        settings = load(kind)
    logs.configure(settings)
    return settings


def allowed(problem: str | None) -> None:
    """Exit code 2 with the problem, if there is one."""
    with _refusals():
        if problem is not None:
            raise ConfigurationError((problem,))


def configured_worker(product: str, queue: Queue) -> tuple[ServiceSettings, str]:
    """Settings of a queue's worker, and its role as the server knows it."""
    if product == Product.RECIPE_APP:
        from app.recipe_app.application import settings_of_worker
        from app.server import RECIPES_WORKER

        with _refusals():
            settings = settings_of_worker(queue)
        logs.configure(settings)
        return settings, RECIPES_WORKER + queue
    with _refusals():
        if product == Product.VIDEO_GATEWAY:
            raise ConfigurationError((f"--product: {product} has no worker of its own; its role 'videos' renders",))
        if queue is not Queue.TEXTS:
            raise ConfigurationError((f"--queue: {product} has no queue '{queue}'; its queue is '{Queue.TEXTS}'",))
    return configured(works=True), "worker"


def configured_gateway() -> ServiceSettings:
    """Settings of video-gateway's process."""
    from app.video_gateway.application import serving_settings

    with _refusals():
        settings = serving_settings()
    logs.configure(settings)
    return settings


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
