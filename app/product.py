"""A product as the image sees it: its processes, and what the commands need of it.

Each product says so in PRODUCT of a module ``product`` in a folder of its own below app/. Parts are named, not
imported: a process pays in memory for the parts that it runs, and for no other product's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from app.queue_names import Queue

Name = str
"""Name of a part: its module, a colon, and what it is called there."""


@dataclass(frozen=True)
class Process:
    """One kind of process, which serves or takes jobs.

    help: purpose, as the command's help has it.
    application: function that makes its ASGI application from a lifecycle and the environment.
    settings: class of its settings, or a function that loads and judges them.
    many: several server processes may share its port (UVICORN_WORKERS); where jobs are taken there is one.
    """

    help: str
    application: Name
    settings: Name
    many: bool = True


@dataclass(frozen=True)
class Product:
    """Parts of a product.

    settings: settings of commands for operators, which go through the pooler.
    task_settings: settings of migrations, maintenance and backups, which go around the pooler.
    history: migrations.
    chores: care of its data by schedule, or a function of its settings that gives it.
    aftercare: step that completes a restored copy of its database.
    processes: processes that answer requests, by the name that `serve --role` takes.
    workers: processes that take jobs, by queue.
    takes_payments: its health endpoints include the payment provider's.
    """

    settings: Name
    task_settings: Name
    history: Name
    chores: Name
    aftercare: Name
    processes: Mapping[str, Process]
    workers: Mapping[Queue, Process] = field(default_factory=lambda: MappingProxyType({}))
    takes_payments: bool = False
