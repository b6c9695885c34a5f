"""Alembic's entry to video-gateway's revisions."""

from app.migration_run import run
from app.video_gateway.tables import metadata

run(metadata)
