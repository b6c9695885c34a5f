"""Schema version that this release needs, and its check against the database (S09: migrations before traffic).

A pod that starts before its migration is not ready, so it gets no traffic and the rollout waits. A newer schema is
fine: it was expanded, and the previous release must go on with it, also after a rollback.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalogue import migration_of
from app.history import VERSIONS

CONTENT: Final = "app.migrations"
"""Package of content generation's migrations."""


def latest(package: str = CONTENT) -> str:
    """The number of this release's last migration in a package; the files are named by it, in order."""
    names = (entry.name for entry in (files(package) / "versions").iterdir())
    return max(name.partition("_")[0] for name in names if name[:4].isdigit())


class Schema:
    """Looks until the schema is there, then never again: migrations only go forward.

    parts: table of versions and package of every history that the product's database has (app.history).
    """

    def __init__(self, parts: Sequence[tuple[str, str]] = ((VERSIONS, CONTENT),)) -> None:
        self._needed = {versions: latest(package) for versions, package in parts}

    async def ready(self, connection: AsyncConnection) -> bool:
        """True if every migration of this release was applied. Raises what the connection does."""
        for versions, needed in tuple(self._needed.items()):
            if (await migration_of(connection, versions) or "") < needed:
                return False
            del self._needed[versions]
        return True
