"""Products that no list names: packages below app/ whose module ``product`` says in PARTS what each is made of.

``contentgen new product`` writes such a package. Finding one imports nothing; a process imports its own product alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from app.chores import Chore, Schedule
    from app.history import History
    from app.lifecycle import Lifecycle
    from app.restore import Aftercare
    from app.service_settings import ServiceSettings

MODULE: Final = "product"
HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Parts:
    """Parts of a product that the commands and the server need.

    settings: settings of the process that answers requests.
    task_settings: settings of migrations, maintenance and backups, which go around the pooler.
    history: migrations.
    chores: care of its data, by schedule.
    aftercare: step that completes a restored copy of its database.
    application: makes the application from the environment, in each server process.
    """

    settings: type[ServiceSettings]
    task_settings: type[ServiceSettings]
    history: History
    chores: Mapping[Schedule, Sequence[Chore]]
    aftercare: Aftercare
    application: Callable[[Lifecycle], ASGIApp]


@cache
def added() -> tuple[str, ...]:
    """Names of these products, in order."""
    return tuple(sorted(file.parent.name.replace("_", "-") for file in HERE.glob(f"*/{MODULE}.py")))


def parts_of(product: str) -> Parts:
    """The parts of one of them."""
    found = import_module(f"{__package__}.{product.replace('-', '_')}.{MODULE}").PARTS
    assert isinstance(found, Parts)
    return found
