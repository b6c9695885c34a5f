"""Alembic's entry to content generation's revisions."""

from app.migration_run import run
from app.tables import metadata

run(metadata)
