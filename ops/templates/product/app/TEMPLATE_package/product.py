"""Parts of TEMPLATE_name that the commands and the server of the image need."""

from typing import Final

from app.added import Parts
from app.chores import ANALYZE, KEY_AUDIT, REINDEX, REVOCATIONS, REVOKED_KEYS, VACUUM, Schedule
from app.restore import complete_nothing

from .application import from_environment
from .history import HISTORY
from .settings import Settings, TaskSettings

PARTS: Final = Parts(
    settings=Settings,
    task_settings=TaskSettings,
    history=HISTORY,
    chores={
        Schedule.DAILY: (REVOCATIONS, ANALYZE),
        Schedule.WEEKLY: (REVOKED_KEYS, VACUUM, KEY_AUDIT),
        Schedule.MONTHLY: (REINDEX,),
    },
    aftercare=complete_nothing,
    application=from_environment,
)
