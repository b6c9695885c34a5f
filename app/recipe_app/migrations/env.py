"""Alembic's entry to recipe-app's revisions."""

from app.migration_run import run
from app.recipe_app.tables import metadata

run(metadata)
