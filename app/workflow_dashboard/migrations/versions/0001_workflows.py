"""Workflows and their tasks with the document's indexes (B05), and the platform's tables of identity and switches."""

from alembic import op

from app.platform_tables import IDENTITY

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE workflows (
        id uuid PRIMARY KEY,
        user_id text NOT NULL,
        name text NOT NULL,
        description text NOT NULL,
        status text NOT NULL CHECK (status IN ('active', 'paused', 'completed')),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_workflows_user_id ON workflows (user_id)",
    """
    CREATE TABLE tasks (
        id uuid PRIMARY KEY,
        workflow_id uuid NOT NULL REFERENCES workflows ON DELETE CASCADE,
        title text NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'in_progress', 'done')),
        position integer NOT NULL CHECK (position > 0),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_tasks_status ON tasks (status)",
    "CREATE INDEX idx_tasks_workflow_id ON tasks (workflow_id, position)",
    *IDENTITY,
)


def upgrade() -> None:
    """In one transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
