"""Products that the image serves, found by their folders, and their parts, imported when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Final, TypeVar

from app.process_settings import ConfigurationError, ProcessSettings, load
from app.product import Process, Product
from app.queue_names import Queue

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from app.chores import Chore, Schedule
    from app.history import History
    from app.lifecycle import Lifecycle
    from app.restore import Aftercare
    from app.service_settings import ServiceSettings

DEFAULT: Final = "content-generation"
"""Product of a command that names none."""
MODULE: Final = "product"
HERE: Final = Path(__file__).resolve().parent
Part = TypeVar("Part")


@cache
def products() -> Mapping[str, Product]:
    """Every product by its name, the default one first. Raises ConfigurationError when two have one role."""
    folders = sorted(file.parent.name for file in HERE.glob(f"*/{MODULE}.py"))
    names = sorted((folder.replace("_", "-") for folder in folders), key=lambda name: (name != DEFAULT, name))
    found = {name: _declared(name) for name in names}
    owner: dict[str, str] = {}
    for name, product in found.items():
        for role in product.processes:
            if (other := owner.setdefault(role, name)) != name:
                raise ConfigurationError((f"role '{role}' is of {other} and of {name}; give one of them another",))
    return found


def _declared(name: str) -> Product:
    found = import_module(f"{__package__}.{name.replace('-', '_')}.{MODULE}").PRODUCT
    assert isinstance(found, Product)
    return found


@cache
def processes() -> Mapping[str, Process]:
    """The processes of all products that answer requests, by role."""
    return {role: process for product in products().values() for role, process in product.processes.items()}


def worker_of(product: str, queue: Queue) -> Process:
    """Process that takes a queue's jobs. Raises ConfigurationError where the product has none."""
    workers = products()[product].workers
    if not workers:
        roles = ", ".join(products()[product].processes)
        raise ConfigurationError((f"--product: {product} has no worker of its own; its roles are {roles}",))
    if queue not in workers:
        known = ", ".join(f"'{one}'" for one in workers)
        raise ConfigurationError((f"--queue: {product} has no queue '{queue}'; it has {known}",))
    return workers[queue]


def application_of(process: Process, lifecycle: Lifecycle) -> ASGIApp:
    """Make the application in the server's process."""
    made: ASGIApp = resolve_name(process.application)(lifecycle)
    return made


def process_settings(process: Process) -> ProcessSettings:
    """Load the settings of a process. Raises ConfigurationError."""
    found = resolve_name(process.settings)
    settings = load(found) if isinstance(found, type) else found()
    assert isinstance(settings, ProcessSettings)
    return settings


def settings_of(product: str, *, task: bool) -> type[ServiceSettings]:
    """Settings of a product's commands; a ``task`` goes around the pooler, everything else through it."""
    parts = products()[product]
    kind: type[ServiceSettings] = resolve_name(parts.task_settings if task else parts.settings)
    return kind


def history_of(product: str) -> History:
    """A product's migrations."""
    history: History = resolve_name(products()[product].history)
    return history


def chores_of(product: str, settings: ServiceSettings) -> Mapping[Schedule, Sequence[Chore]]:
    """Care of a product's data, by schedule."""
    found = resolve_name(products()[product].chores)
    chores: Mapping[Schedule, Sequence[Chore]] = found(settings) if callable(found) else found
    return chores


def aftercare_of(product: str) -> Aftercare:
    """Steps that complete a restored copy of a product's database."""
    aftercare: Aftercare = resolve_name(products()[product].aftercare)
    return aftercare


def paths_of(product: str) -> Sequence[str]:
    """Health endpoints of a product."""
    from app.checkup import ENDPOINTS, EVERY_PRODUCTS

    return ENDPOINTS if products()[product].takes_payments else EVERY_PRODUCTS
