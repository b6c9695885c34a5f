"""Migrations of one product: where its revisions stand, and what its schema needs beside them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy.ext.asyncio import AsyncConnection

if TYPE_CHECKING:
    from alembic.config import Config


async def nothing_more(_: AsyncConnection) -> tuple[str, ...]:
    """A schema that its revisions make whole."""
    return ()


VERSIONS: Final = "alembic_version"
"""Alembic's table of the revision that a database is at."""


@dataclass(frozen=True)
class History:
    """Revisions of one product's database, oldest first.

    product: name of the product, for messages.
    package: package with ``env.py`` and ``versions``, as alembic has them.
    mark: table that no other product's database has; the first revision makes it, and with a base it is ``versions``.
    complete: makes what revisions cannot, after them; it commits, and returns the names of the partitions it made.
    base: history of another product that is applied first, and goes on with that product's releases.
    """

    product: str
    package: str
    mark: str
    complete: Callable[[AsyncConnection], Awaitable[tuple[str, ...]]] = nothing_more
    base: History | None = None

    @property
    def versions(self) -> str:
        """Table of the revision that was applied last; one a history, because each counts from 0001."""
        return VERSIONS if self.base is None else self.mark

    def steps(self) -> tuple[History, ...]:
        """Histories to apply, in order: those of the base, then this one."""
        return (*(self.base.steps() if self.base else ()), self)

    def parts(self) -> tuple[tuple[str, str], ...]:
        """Table of versions and package of each step."""
        return tuple((step.versions, step.package) for step in self.steps())

    def config(self) -> Config:
        """Alembic's configuration of these revisions."""
        # Processes that only serve know their product's history too, and need no alembic.
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(str(files(self.package)))))
        config.attributes["versions"] = self.versions
        return config

    def head(self) -> str:
        """The revision this release needs."""
        from alembic.script import ScriptDirectory

        found = ScriptDirectory.from_config(self.config()).get_current_head()
        assert found is not None
        return found
