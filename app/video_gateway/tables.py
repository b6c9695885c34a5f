"""The product's tables as SQLAlchemy Core sees them. The migrations make them; a test compares the two."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Table, Text

from app.archive import archives
from app.attempts import job_columns
from app.queue_names import Queue
from app.tables import activity, api_keys, feature_flags, leases, revocations, service_modes

metadata = MetaData()

videos = Table(
    "generated_videos",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("owner", Text, nullable=False),
    Column("prompt", Text),
    Column("seconds", Integer, nullable=False),
    Column("priority", Text, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("key", Text),
    Column("bytes", BigInteger),
    Column("request_id", Text),
    *job_columns(),
)

OF_QUEUE: Final[Mapping[Queue, str]] = {Queue.VIDEOS: videos.name}
"""Table of each queue's jobs."""

PLATFORM: Final = tuple(
    table.to_metadata(metadata)
    for table in (activity, archives, api_keys, feature_flags, leases, revocations, service_modes)
)
"""Tables of identity, switches, elections, requests and archives, which products have in their own databases."""
