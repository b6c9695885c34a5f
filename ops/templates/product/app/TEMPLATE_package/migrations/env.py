"""Alembic's entry to TEMPLATE_name's revisions, which runs it by its path: names are absolute here."""

from app import migration_run
from app.TEMPLATE_package.tables import metadata

migration_run.run(metadata)
