"""Alembic's entry: runs revisions on the connection that app.migrate hands over, and keeps their history."""

from collections.abc import Collection, Mapping

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import text

from app.tables import metadata


def _record(ctx: MigrationContext, step: MigrationInfo, heads: Collection[str], run_args: Mapping[str, object]) -> None:
    """Version and moment, in the transaction of the migration itself (A13)."""
    connection = ctx.connection
    assert connection is not None
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS migration_history (version text PRIMARY KEY, applied_at timestamptz NOT NULL)")
    )
    connection.execute(
        text(
            "INSERT INTO migration_history VALUES (:version, now())"
            " ON CONFLICT (version) DO UPDATE SET applied_at = now()"
        ),
        {"version": step.up_revision_id},
    )


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
    on_version_apply=_record,
)
with context.begin_transaction():
    context.run_migrations()
