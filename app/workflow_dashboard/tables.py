"""The product's tables as SQLAlchemy Core sees them. The migrations make them; a test compares the two."""

from sqlalchemy import Column, DateTime, ForeignKey, Integer, MetaData, Table, Text, Uuid

from app.tables import activity, api_keys, feature_flags, leases, revocations, service_modes

metadata = MetaData()

workflows = Table(
    "workflows",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workflow_id", Uuid, ForeignKey("workflows.id", ondelete="CASCADE"), nullable=False),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

PLATFORM = tuple(
    table.to_metadata(metadata) for table in (activity, api_keys, feature_flags, leases, revocations, service_modes)
)
"""Tables of identity, switches, elections and requests, which every product has in its own database."""
