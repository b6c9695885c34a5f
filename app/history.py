"""Migrations of one product: where its revisions stand, and what its schema needs beside them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

if TYPE_CHECKING:
    from alembic.config import Config


async def nothing_more(_: AsyncConnection) -> tuple[str, ...]:
    """A schema that its revisions make whole."""
    return ()


@dataclass(frozen=True)
class History:
    """Revisions of one product's database, oldest first.

    product: name of the product, for messages.
    package: package with ``env.py`` and ``versions``, as alembic has them.
    mark: table that the first revision makes, and that no other product's database has.
    complete: makes what revisions cannot, after them; it commits, and returns the names of the partitions it made.
    """

    product: str
    package: str
    mark: str
    complete: Callable[[AsyncConnection], Awaitable[tuple[str, ...]]] = nothing_more

    def config(self) -> Config:
        """Alembic's configuration of these revisions."""
        # Processes that only serve know their product's history too, and need no alembic.
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(str(files(self.package)))))
        return config

    def head(self) -> str:
        """The revision this release needs."""
        from alembic.script import ScriptDirectory

        found = ScriptDirectory.from_config(self.config()).get_current_head()
        assert found is not None
        return found
