"""Warnings that the service itself writes down (M02): one of each type a day."""

from alembic import op

revision = "0007"
down_revision = "0006"

TABLE = """
CREATE TABLE IF NOT EXISTS alerts (
    day date NOT NULL,
    type text NOT NULL,
    message text NOT NULL,
    severity text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (day, type)
)
"""


def upgrade() -> None:
    """A new table, which no query of the release before waits for."""
    op.execute(TABLE)
