"""The product's tables as SQLAlchemy Core sees them. The migrations make them; a test compares the two."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Float, Integer, MetaData, Numeric, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from app.archive import archives
from app.attempts import job_columns
from app.queue_names import Queue
from app.tables import activity, api_keys, feature_flags, leases, revocations, service_modes

metadata = MetaData()


users = Table(
    "users",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("last_seen_at", DateTime(timezone=True), nullable=False),
)

recipes = Table(
    "recipes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("owner", Text, nullable=False),
    Column("wanted", JSONB, nullable=False),
    Column("servings", Integer, nullable=False),
    Column("diet", Text),
    Column("complexity", Text, nullable=False),
    Column("recipe", JSONB(none_as_null=True)),
    Column("provider", Text),
    Column("model", Text),
    Column("cached", Boolean, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("cost_usd", Numeric(12, 6), nullable=False),
    Column("request_id", Text),
    *job_columns(),
)

videos = Table(
    "videos",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("owner", Text, nullable=False),
    Column("key", Text),
    Column("bytes", BigInteger),
    *job_columns(),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

cost_days = Table(
    "cost_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("cost_usd", Numeric(12, 6), nullable=False),
    Column("recipes", Integer, nullable=False),
    Column("from_cache", Integer, nullable=False),
    Column("videos", Integer, nullable=False),
    Column("users", Integer, nullable=False),
)

reports = Table(
    "reports",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("first_day", Date, primary_key=True),
    Column("body", JSONB, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

system_metrics = Table(
    "system_metrics",
    metadata,
    Column("taken_on", Date, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Float, nullable=False),
)

subscription_metrics = Table(
    "subscription_metrics",
    metadata,
    Column("month", Date, primary_key=True),
    Column("tier", Text, primary_key=True),
    Column("clients", Integer, nullable=False),
    Column("begun", Integer, nullable=False),
    Column("ended", Integer, nullable=False),
)


OF_QUEUE: Final[Mapping[Queue, str]] = {Queue.TEXTS: recipes.name, Queue.VIDEOS: videos.name}
"""Table of each queue's jobs."""

PLATFORM: Final = tuple(
    table.to_metadata(metadata)
    for table in (activity, archives, api_keys, feature_flags, leases, revocations, service_modes)
)
"""Tables of identity, switches, elections, requests and archives, which every product has in its own database."""
