"""Lag of a read replica, as far as reads of single jobs allow for it (B02)."""

from datetime import UTC, datetime, timedelta
from typing import Final

from app.ids import JobId

REPLICA_LAG: Final = timedelta(seconds=60)


def may_be_behind(job: JobId) -> bool:
    """True if a job is so young that a replica may not have seen it yet."""
    return datetime.now(UTC) - job.created_at < REPLICA_LAG
