"""Alembic's entry to workflow-dashboard's revisions."""

from app.migration_run import run
from app.workflow_dashboard.tables import metadata

run(metadata)
