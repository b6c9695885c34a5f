"""A12's indexes on jobs: built concurrently partition by partition, so that writers never wait."""

from alembic import op

from app.partitions import JOB_INDEXES, index_statements

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Each statement commits by itself (CONCURRENTLY may not run in a transaction) and may be repeated."""
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        for index in JOB_INDEXES:
            for statement in index_statements(connection, index):
                op.execute(statement)
