"""Alembic's run of one product's revisions, on the connection that app.migrate hands over, with their history."""

from collections.abc import Collection, Mapping

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import MetaData, text

from app.history import VERSIONS


def run(metadata: MetaData) -> None:
    """Run the revisions of the folder whose ``env.py`` calls this, each in a transaction of its own."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table=context.config.attributes["versions"],
        transaction_per_migration=True,
        on_version_apply=_record,
    )
    with context.begin_transaction():
        context.run_migrations()


def _record(ctx: MigrationContext, step: MigrationInfo, heads: Collection[str], run_args: Mapping[str, object]) -> None:
    """Version and moment, in the transaction of the migration itself (A13); in the one list of a database, the revision
    of a history with a base follows the name of its table of versions.
    """
    connection, own = ctx.connection, ctx.version_table
    assert connection is not None
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS migration_history (version text PRIMARY KEY, applied_at timestamptz NOT NULL)")
    )
    connection.execute(
        text(
            "INSERT INTO migration_history VALUES (:version, now())"
            " ON CONFLICT (version) DO UPDATE SET applied_at = now()"
        ),
        {"version": step.up_revision_id if own == VERSIONS else f"{own} {step.up_revision_id}"},
    )
