"""Alembic's entry to TEMPLATE_name's revisions, run by its path."""

from app import migration_run
from app.TEMPLATE_package.tables import metadata

migration_run.run(metadata)
