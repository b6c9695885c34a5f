"""Tables that are found by folder: every module of a package holds one, so a new file needs no entry elsewhere."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import TypeVar

Entry = TypeVar("Entry")


def found(package: str, path: Iterable[str], table: str, kind: type[Entry]) -> Iterator[Entry]:
    """Entries of the tables of all modules, by module name. Raises TypeError for a module whose table is no tuple of
    that kind, or is empty.
    """
    for module in sorted(one.name for one in pkgutil.iter_modules(path, f"{package}.")):
        entries = getattr(importlib.import_module(module), table, None)
        if not isinstance(entries, tuple) or not entries or not all(isinstance(one, kind) for one in entries):
            raise TypeError(f"{module}: {table} is {entries!r}; give a tuple of {kind.__name__}, one or more")
        yield from entries
