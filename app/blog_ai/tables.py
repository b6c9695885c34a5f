"""The tables that blog-ai adds to content generation's, as SQLAlchemy Core sees them."""

from typing import Final

from sqlalchemy import Boolean, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

stripe_events = Table(
    "stripe_events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("taken_at", DateTime(timezone=True), nullable=False),
)

stripe_subscriptions = Table(
    "stripe_subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client_id", Text),
    Column("tier", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True)),
    Column("changed_step", Integer, nullable=False),
    Column("paid", Boolean, nullable=False),
    Column("settled_at", DateTime(timezone=True)),
)

pictures = Table(
    "pictures",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("etag", Text),
    Column("body", LargeBinary),
)

OWNED: Final = (stripe_subscriptions, pictures)
"""Tables whose rows belong to a client, and are shown to it and erased with it (X03)."""
