"""Schema version that this release needs, and its check against the database (S09: migrations before traffic).

A pod that starts before its migration is not ready, so it gets no traffic and the rollout waits. A newer schema is
fine: it was expanded, and the previous release must go on with it, also after a rollback.
"""

from importlib.resources import files
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

CONTENT: Final = "app.migrations"
"""Package of content generation's migrations."""


def latest(package: str = CONTENT) -> str:
    """The number of this release's last migration in a package; the files are named by it, in order."""
    names = (entry.name for entry in (files(package) / "versions").iterdir())
    return max(name.partition("_")[0] for name in names if name[:4].isdigit())


class Schema:
    """Looks until the schema is there, then never again: migrations only go forward."""

    def __init__(self, package: str = CONTENT) -> None:
        self._needed = latest(package)
        self._there = False

    async def ready(self, connection: AsyncConnection) -> bool:
        """True if every migration of this release was applied. Raises what the connection does."""
        if not self._there:
            self._there = await _applied(connection) >= self._needed
        return self._there


async def _applied(connection: AsyncConnection) -> str:
    there = await connection.execute(text("SELECT to_regclass('alembic_version')"))
    if there.scalar() is None:
        return ""
    return str((await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar() or "")
