"""Items, and the platform's tables of identity and switches."""

from alembic import op

from app.platform_tables import ACTIVITY, IDENTITY

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE TEMPLATE_package_items (
        id uuid PRIMARY KEY,
        owner text NOT NULL,
        text text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    ACTIVITY,
    *IDENTITY,
)


def upgrade() -> None:
    """In one transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
