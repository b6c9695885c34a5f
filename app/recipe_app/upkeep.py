"""The care of recipe-app by the document's three schedules (K17): each line of the document is a chore or more."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.archive import asked, bucket_of
from app.backup import backup
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
    deletion,
)
from app.recipe_app import archive
from app.recipe_app.audit import SECURITY_AUDIT
from app.recipe_app.history import CLIENTS_TABLES
from app.recipe_app.reports import (
    COST_ANALYTICS,
    COST_REVIEW,
    MONTHLY_REPORT,
    SUBSCRIPTIONS,
    SYSTEM_METRICS,
    WEEKLY_REPORT,
)
from app.recipe_app.settings import RecipeSettings
from app.recipe_app.tables import videos
from app.restore import Aftercare, granting
from app.switches import QUEUE_WORKERS
from app.video.orphans import temporary_files

AFTERCARE: Final[Aftercare] = granting(*CLIENTS_TABLES)
LOG_DAYS: Final = 30
CONFIGURATION: Final = "config/"
FORGOTTEN_LIMIT: Final = "30 days"
"""A limit of a queue's workers is set for an incident; one so old is a leftover."""


def chores(settings: RecipeSettings) -> Mapping[Schedule, tuple[Chore, ...]]:
    """The chores of each schedule, with this deployment's buckets."""
    return {
        Schedule.DAILY: (
            deletion("logs", "pgqueuer_log", f"created < now() - interval '{LOG_DAYS} days'"),
            ANALYZE,
            deletion("sessions", "sessions", "expires_at < now()"),
            REVOCATIONS,
            COST_ANALYTICS,
            temporary_files(settings, videos.name),
            archive.TEXTS.chore(settings),
            # The bucket deletes them by its own rule; a row that outlives its object says nothing.
            deletion("expired videos", "videos", f"finished_at < now() - interval '{settings.video_days} days'"),
        ),
        Schedule.WEEKLY: (
            WEEKLY_REPORT,
            INDEXES,
            deletion("old analytics", "cost_days", "day < now() - interval '25 months'"),
            deletion("old queue statistics", "pgqueuer_statistics", "created < now() - interval '90 days'"),
            deletion("old system metrics", "system_metrics", "taken_on < now() - interval '13 months'"),
            SYSTEM_METRICS,
            REVOKED_KEYS,
            SECURITY_AUDIT,
            KEY_AUDIT,
            VACUUM,
            critical_data(settings),
        ),
        Schedule.MONTHLY: (
            MONTHLY_REPORT,
            archive.RECORDS.chore(settings),
            archive.CALLS.chore(settings),
            SUBSCRIPTIONS,
            REINDEX,
            COST_REVIEW,
            configuration(settings),
        ),
    }


def critical_data(settings: RecipeSettings) -> Chore:
    """A whole backup, beside the hourly ones."""

    async def work(_: AsyncConnection, dry_run: bool) -> tuple[int, str]:
        if dry_run:
            return 0, f"s3://{settings.backup_bucket}"
        made = await backup(settings)
        return sum(made.tables.values()), made.database_key

    return Chore("backup of critical data", work)


def configuration(settings: RecipeSettings) -> Chore:
    """Take back limits of queues that were set for an incident long ago, and keep the configuration in force: switches,
    flags and settings without secrets, for 90 days by the bucket's own rule.
    """

    async def work(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
        forgotten = (await connection.execute(_FORGOTTEN_LIMITS)).scalars().all()
        if forgotten and not dry_run:
            await connection.execute(_TAKE_BACK, {"names": list(forgotten)})
        switches = {row.name: row.value for row in await connection.execute(_SWITCHES)}
        flags = {row.name: row.percent if row.enabled else 0 for row in await connection.execute(_FLAGS)}
        fields = {name: value for name, value in settings.model_dump(mode="json").items() if value != "**********"}
        body = json.dumps({"settings": fields, "switches": switches, "flags": flags}, sort_keys=True).encode()
        key = f"{CONFIGURATION}{datetime.now(UTC):%Y-%m-%d}.json"
        if not dry_run:
            bucket = bucket_of(settings)
            await asked(lambda: bucket.put(key, body, "application/json"), bucket)
        return len(forgotten), ", ".join((*forgotten, key))

    return Chore("configuration", work)


_FORGOTTEN_LIMITS: Final = text(
    f"SELECT name FROM service_modes WHERE name LIKE '{QUEUE_WORKERS}%'"  # noqa: S608  names of ours
    f" AND updated_at < now() - interval '{FORGOTTEN_LIMIT}' ORDER BY name"
)
_TAKE_BACK: Final = text("DELETE FROM service_modes WHERE name = ANY(:names)")
_SWITCHES: Final = text("SELECT name, value FROM service_modes")
_FLAGS: Final = text("SELECT name, enabled, percent FROM feature_flags")
