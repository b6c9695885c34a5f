"""Time of each service's last request (K10)."""

from alembic import op

from app.platform_tables import ACTIVITY

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A new table, which no query of the release before waits for."""
    op.execute(ACTIVITY)
