"""The care of video-gateway's database by schedule (K17); what leaves it after a year goes to the archive."""

from collections.abc import Mapping
from typing import Final

from app.archive import Archiving
from app.chores import (
    ANALYZE,
    INDEXES,
    KEY_AUDIT,
    REINDEX,
    REVOCATIONS,
    REVOKED_KEYS,
    VACUUM,
    Chore,
    Schedule,
    change,
    deletion,
)
from app.inspection import LARGEST_TABLES, SLOW_QUERIES
from app.restore import Aftercare, granting
from app.video.orphans import temporary_files
from app.video_gateway.history import CLIENTS_TABLES
from app.video_gateway.settings import GatewaySettings
from app.video_gateway.tables import videos

AFTERCARE: Final[Aftercare] = granting(*CLIENTS_TABLES)
RECORDS: Final = Archiving(
    name="archive records",
    kind="videos",
    table=videos.name,
    identity="id",
    condition="status IN ('ready', 'failed') AND created_at < now() - interval '1 year'",
    drop=f"DELETE FROM {videos.name} WHERE id = ANY(:ids)",  # noqa: S608  a name of ours
)
"""Owner, length and times; prompts have gone with their files long before."""


def chores(settings: GatewaySettings) -> Mapping[Schedule, tuple[Chore, ...]]:
    """The chores of each schedule, with this deployment's buckets."""
    gone = f"finished_at < now() - interval '{settings.video_days} days' AND prompt IS NOT NULL"
    return {
        Schedule.DAILY: (
            # The bucket deletes the files by its own rule.
            change("expired videos", videos.name, "prompt = NULL, key = NULL", gone),
            temporary_files(settings, videos.name),
            deletion("queue log", "pgqueuer_log", "created < now() - interval '30 days'"),
            REVOCATIONS,
            ANALYZE,
        ),
        Schedule.WEEKLY: (
            deletion("queue statistics", "pgqueuer_statistics", "created < now() - interval '90 days'"),
            REVOKED_KEYS,
            KEY_AUDIT,
            VACUUM,
            LARGEST_TABLES,
            INDEXES,
        ),
        Schedule.MONTHLY: (RECORDS.chore(settings), SLOW_QUERIES, REINDEX),
    }
