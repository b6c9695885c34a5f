"""Which schema this release needs, and whether the database has it (S09: migrations before traffic).

A pod that starts before its migration is not ready, so it gets no traffic and the rollout waits. A newer schema is
fine: it was expanded, and the previous release must go on with it, also after a rollback.
"""

from importlib.resources import files

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.database import Database


def latest() -> str:
    """The number of this release's last migration; the files are named by it, in order."""
    names = (entry.name for entry in (files("app") / "migrations" / "versions").iterdir())
    return max(name.partition("_")[0] for name in names if name[:4].isdigit())


class Schema:
    """Looks until the schema is there, then never again: migrations only go forward."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._needed = latest()
        self._there = False

    async def ready(self) -> bool:
        """Whether every migration of this release was applied. Raises DatabaseUnavailable."""
        if not self._there:
            self._there = await self._applied() >= self._needed
        return self._there

    async def _applied(self) -> str:
        try:
            async with self._database.read(fresh=True) as connection:
                return str((await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar() or "")
        except ProgrammingError:
            return ""
