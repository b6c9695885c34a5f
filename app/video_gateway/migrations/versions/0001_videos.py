"""Videos with row-level security, the list of archives, and the platform's own tables."""

from alembic import op

from app.access.owners import row_policy
from app.platform_tables import ARCHIVES, IDENTITY, JOB

revision = "0001"
down_revision = None

STATES = "'pending', 'in_progress', 'ready', 'failed'"

STATEMENTS = (
    f"""
    CREATE TABLE generated_videos (
        id text PRIMARY KEY,
        created_at timestamptz NOT NULL,
        owner text NOT NULL,
        prompt text,
        seconds integer NOT NULL CHECK (seconds > 0),
        priority text NOT NULL CHECK (priority IN ('low', 'normal', 'high')),
        percent integer NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
        key text,
        bytes bigint,
        request_id text,
        {JOB.format(states=STATES)}
    )
    """,
    "CREATE INDEX generated_videos_owner ON generated_videos (owner, id DESC)",
    "CREATE INDEX generated_videos_created_at ON generated_videos (created_at)",
    "CREATE INDEX generated_videos_open ON generated_videos (updated_at) WHERE status IN ('pending', 'in_progress')",
    *row_policy("generated_videos"),
    ARCHIVES,
    *IDENTITY,
)


def upgrade() -> None:
    """In one transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
