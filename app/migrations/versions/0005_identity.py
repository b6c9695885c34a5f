"""Identity that holds in every region: what was revoked, when a key last changed, how far other regions were read; and
row-level security as the second lock on jobs (E03, E12).

Additive: the release before writes api_keys without ``changed_at`` and logs in as the owner, whom no policy binds.
"""

from alembic import op

from app.access.owners import ROW_POLICY

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    "ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS changed_at timestamptz NOT NULL DEFAULT now()",
    "ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS tier_event_at timestamptz",
    "CREATE INDEX IF NOT EXISTS api_keys_changed_at ON api_keys (changed_at)",
    "CREATE INDEX IF NOT EXISTS api_keys_client_id ON api_keys (client_id)",
    """
    CREATE TABLE IF NOT EXISTS revocations (
        id text PRIMARY KEY,
        revoked_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS revocations_revoked_at ON revocations (revoked_at)",
    "CREATE INDEX IF NOT EXISTS revocations_expires_at ON revocations (expires_at)",
    """
    CREATE TABLE IF NOT EXISTS identity_peers (
        region text PRIMARY KEY,
        read_until timestamptz NOT NULL DEFAULT 'epoch',
        asked_at timestamptz NOT NULL DEFAULT 'epoch'
    )
    """,
    *ROW_POLICY,
)


def upgrade() -> None:
    """In one transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
