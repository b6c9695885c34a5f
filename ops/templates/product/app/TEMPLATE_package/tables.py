"""The product's tables as SQLAlchemy Core sees them. The migrations make them; a test compares the two."""

from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid

from app.tables import activity, api_keys, feature_flags, leases, revocations, service_modes

metadata = MetaData()

items = Table(
    "TEMPLATE_package_items",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

PLATFORM = tuple(
    table.to_metadata(metadata) for table in (activity, api_keys, feature_flags, leases, revocations, service_modes)
)
"""Tables of identity, switches, elections and requests, which every product has in its own database."""
