"""Workflows and their tasks with the document's indexes (B05), and the platform's tables of identity and switches."""

from alembic import op

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
    """
    CREATE TABLE api_keys (
        id text PRIMARY KEY,
        key_hash bytea NOT NULL,
        client_id text NOT NULL,
        name text NOT NULL,
        tier text NOT NULL CHECK (tier IN ('free', 'starter', 'pro', 'business')),
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz,
        changed_at timestamptz NOT NULL DEFAULT now(),
        tier_event_at timestamptz
    )
    """,
    "CREATE INDEX api_keys_client_id ON api_keys (client_id)",
    """
    CREATE TABLE revocations (
        id text PRIMARY KEY,
        revoked_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX revocations_revoked_at ON revocations (revoked_at)",
    "CREATE INDEX revocations_expires_at ON revocations (expires_at)",
    """
    CREATE TABLE feature_flags (
        name text PRIMARY KEY,
        enabled boolean NOT NULL,
        percent double precision NOT NULL CHECK (percent BETWEEN 0 AND 100),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE service_modes (
        name text PRIMARY KEY,
        value text NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE TABLE leases (duty text PRIMARY KEY, holder text NOT NULL, until timestamptz NOT NULL)",
)


def upgrade() -> None:
    """In one transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
