"""Subscriptions by Stripe's events, and the events that were taken (E13)."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE IF NOT EXISTS stripe_events (
        id text PRIMARY KEY,
        taken_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX IF NOT EXISTS stripe_events_taken_at ON stripe_events (taken_at)",
    """
    CREATE TABLE IF NOT EXISTS stripe_subscriptions (
        id text PRIMARY KEY,
        client_id text,
        tier text NOT NULL DEFAULT 'free',
        status text NOT NULL DEFAULT '',
        changed_at timestamptz,
        changed_step integer NOT NULL DEFAULT 0,
        paid boolean NOT NULL DEFAULT true,
        settled_at timestamptz
    )
    """,
    "CREATE INDEX IF NOT EXISTS stripe_subscriptions_client_id ON stripe_subscriptions (client_id)",
)


def upgrade() -> None:
    """In one transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
