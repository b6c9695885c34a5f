"""Elections, the record of erasures (X03), and the indexes for erasing a client and for dead letters (D02)."""

from alembic import op

from app.partitions import CARE_INDEXES, index_statements

revision = "0006"
down_revision = "0005"

TABLES = (
    "CREATE TABLE IF NOT EXISTS leases (duty text PRIMARY KEY, holder text NOT NULL, until timestamptz NOT NULL)",
    "CREATE TABLE IF NOT EXISTS erasures (client_id text PRIMARY KEY, erased_at timestamptz NOT NULL DEFAULT now())",
)


def upgrade() -> None:
    """New tables block no statement; the indexes commit one by one (CONCURRENTLY may not run in a transaction)."""
    for statement in TABLES:
        op.execute(statement)
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        for index in CARE_INDEXES:
            for statement in index_statements(connection, index):
                op.execute(statement)
