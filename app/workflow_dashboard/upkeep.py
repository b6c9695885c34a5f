"""The care that workflow-dashboard's database needs (K17), by schedule."""

from collections.abc import Mapping

from app.chores import ANALYZE, KEY_AUDIT, REINDEX, REVOCATIONS, REVOKED_KEYS, VACUUM, Chore, Schedule

CHORES: Mapping[Schedule, tuple[Chore, ...]] = {
    Schedule.DAILY: (REVOCATIONS, ANALYZE),
    Schedule.WEEKLY: (REVOKED_KEYS, VACUUM, KEY_AUDIT),
    Schedule.MONTHLY: (REINDEX,),
}
