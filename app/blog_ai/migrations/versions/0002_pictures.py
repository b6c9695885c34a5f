"""Header pictures of posts, each a row from the moment that it is asked for (E14)."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    CREATE TABLE IF NOT EXISTS pictures (
        job_id text PRIMARY KEY,
        client_id text NOT NULL,
        created_at timestamptz NOT NULL,
        etag text,
        body bytea CHECK (octet_length(body) <= 2097152),
        CHECK ((body IS NULL) = (etag IS NULL))
    )
    """,
    # A JPEG is compressed already.
    "ALTER TABLE pictures ALTER COLUMN body SET STORAGE EXTERNAL",
    "CREATE INDEX IF NOT EXISTS pictures_client_id ON pictures (client_id)",
    "CREATE INDEX IF NOT EXISTS pictures_created_at ON pictures (created_at)",
)


def upgrade() -> None:
    """In one transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
