"""Changes of files that a development session reacts to: the application's, and the stack's settings."""

from __future__ import annotations

import py_compile
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from localcloud.images import application

GATHER_MILLISECONDS = 50
"""Changes this close together are one: a save of several files, a branch that is checked out."""


async def of_application(checkout: Path) -> AsyncIterator[list[Path]]:
    """Files of the application that changed, without those that editors and Python make beside them."""
    folder = checkout / application().package
    async for changes in awatch(folder, watch_filter=DefaultFilter(), step=GATHER_MILLISECONDS):
        yield sorted({Path(path) for _, path in changes})


async def of_settings(checkout: Path, stack: str) -> AsyncIterator[Path]:
    """The stack file, each time it was written."""
    file = checkout / f"Pulumi.{stack}.yaml"
    async for _ in awatch(checkout, watch_filter=only(file), recursive=False, step=GATHER_MILLISECONDS):
        yield file


def only(file: Path) -> Callable[[Change, str], bool]:
    """Filter that one file passes. Its folder is watched, because editors put a new file in its place."""
    return lambda _, path: Path(path) == file


def prepare(files: Iterable[Path]) -> list[str]:
    """Compiles changed modules once, instead of in each process of each pod. The errors of those that have some."""
    problems = []
    for path in files:
        if path.suffix == ".py" and path.is_file():
            try:
                py_compile.compile(str(path), doraise=True)
            except (py_compile.PyCompileError, OSError) as error:
                problems.append(str(error).strip())
    return problems
