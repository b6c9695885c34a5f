"""Time limits of statements outside requests, one a task, in seconds; kept by the server (`statement_timeout`).

Requests have their own, DATABASE_STATEMENT_TIMEOUT_SECONDS, because a client waits for the answer. These tasks read or
rewrite whole tables, so a limit only ends what hangs; the deadline of the Kubernetes Job bounds the whole run.
"""

from collections.abc import Mapping
from enum import StrEnum, auto
from types import MappingProxyType

MINUTE, HOUR = 60, 3600


class Task(StrEnum):
    """Purpose of a direct connection; also its `application_name`, so that pg_stat_activity says it."""

    MIGRATE = auto()
    MAINTENANCE = auto()
    VACUUM = auto()
    REINDEX = auto()
    BACKUP = auto()
    RESTORE = auto()
    ERASE = auto()
    ANONYMISE = auto()
    SEED = auto()
    INSPECT = auto()


SECONDS: Mapping[Task, int] = MappingProxyType(
    {
        Task.MIGRATE: 6 * HOUR,
        Task.MAINTENANCE: HOUR,
        Task.VACUUM: 6 * HOUR,
        Task.REINDEX: 6 * HOUR,
        Task.BACKUP: 6 * HOUR,
        Task.RESTORE: 12 * HOUR,
        Task.ERASE: 5 * MINUTE,
        Task.ANONYMISE: 6 * HOUR,
        Task.SEED: MINUTE,
        Task.INSPECT: MINUTE,
    }
)


def milliseconds(task: Task) -> int:
    """The limit in the unit of `statement_timeout`."""
    return SECONDS[task] * 1000
