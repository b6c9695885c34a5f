"""Batch ticket of a job whose text a provider's batch will bring, and its deadline (D01). The release before ignores
both.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Columns that may be null need no rewriting, so the lock on the table is as short as the catalogue's change."""
    op.execute(
        "ALTER TABLE jobs ADD COLUMN IF NOT EXISTS ticket jsonb, ADD COLUMN IF NOT EXISTS ticket_until timestamptz"
    )
