"""Alembic's entry to blog-ai's own revisions."""

from app.blog_ai.tables import metadata
from app.migration_run import run

run(metadata)
