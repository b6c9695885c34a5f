"""Operator switches that need no deployment: the mode, feature flags, and how many workers a queue may have.

Kept in the database and read by every process every second (app.watch); one that cannot read keeps what it knew (C01,
D02, L04). A flag's share of clients is chosen by a hash, so raising 1 -> 10 -> 50 -> 100 % only ever adds clients.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import structlog
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Database
from app.queue_names import Queue
from app.tables import feature_flags, service_modes

EVERY_SECONDS = 1.0
QUEUE_WORKERS = "queue_workers"
_OTHER_QUEUE = f"{QUEUE_WORKERS}:"
_LOG = structlog.get_logger("app.switches")


class Mode(StrEnum):
    """read_only refuses changes; maintenance refuses everything but health checks."""

    NORMAL = "normal"
    READ_ONLY = "read_only"
    MAINTENANCE = "maintenance"


class Flag(BaseModel):
    """A feature and the share of clients that have it."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    name: str
    enabled: bool
    percent: float
    updated_at: datetime | None = None

    def applies_to(self, subject: str) -> bool:
        """The same answer for the same subject in every process, at every percentage above its own."""
        if not self.enabled:
            return False
        digest = hashlib.sha256(f"{self.name}:{subject}".encode()).digest()
        return int.from_bytes(digest[:8]) % 10_000 < self.percent * 100


@dataclass(frozen=True)
class Switches:
    """One reading of all switches."""

    mode: Mode = Mode.NORMAL
    queue_workers: int = 0
    flags: Mapping[str, Flag] = field(default_factory=dict)
    other_queues: Mapping[str, int] = field(default_factory=dict)

    def workers_of(self, queue: str) -> int:
        """Jobs of a queue that may run at once over all workers; 0 is as many as there is room for."""
        return self.queue_workers if queue == Queue.TEXTS else self.other_queues.get(queue, 0)

    def has(self, flag: str, subject: str) -> bool:
        """True if a client has a feature; no client has an unknown feature."""
        found = self.flags.get(flag)
        return found is not None and found.applies_to(subject)


class Switchboard:
    """Reads and sets the switches."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.now = Switches()

    async def refresh(self) -> Switches:
        """Read all switches. Raises DatabaseUnavailable."""
        async with self._database.read(fresh=True) as connection:
            return await self.read(connection)

    async def read(self, connection: AsyncConnection) -> Switches:
        """The same over a connection that is there. A mode that only a newer release knows is not understood, and is
        the strictest there is: a mode always restricts something.
        """
        modes = {row.name: row.value for row in await connection.execute(select(service_modes))}
        flags = [Flag.model_validate(row) for row in await connection.execute(select(feature_flags))]
        mode = modes.get("mode", Mode.NORMAL)
        if mode not in tuple(Mode):
            _LOG.error("unknown mode, taken for maintenance", mode=mode, known=[*Mode])
            mode = Mode.MAINTENANCE
        others = {
            name.removeprefix(_OTHER_QUEUE): int(value)
            for name, value in modes.items()
            if name.startswith(_OTHER_QUEUE)
        }
        self.now = Switches(Mode(mode), int(modes.get(QUEUE_WORKERS, "0")), {flag.name: flag for flag in flags}, others)
        return self.now

    async def set_mode(self, mode: Mode) -> None:
        """Change the mode everywhere within two seconds."""
        await self._set("mode", mode.value)

    async def set_queue_workers(self, workers: int, queue: str = Queue.TEXTS) -> None:
        """Set the number of a queue's jobs that may run at once over all workers; 0 is as many as there is room for."""
        await self._set(QUEUE_WORKERS if queue == Queue.TEXTS else _OTHER_QUEUE + queue, str(workers))

    async def set_flag(self, name: str, *, enabled: bool, percent: float) -> Flag:
        """Create or change a flag."""
        values = {"name": name, "enabled": enabled, "percent": percent}
        changed = {"enabled": enabled, "percent": percent, "updated_at": func.now()}
        statement = insert(feature_flags).values(values).on_conflict_do_update(index_elements=["name"], set_=changed)
        async with self._database.write() as connection:
            row = (await connection.execute(statement.returning(feature_flags))).one()
        await self.refresh()
        return Flag.model_validate(row)

    async def _set(self, name: str, value: str) -> None:
        changed = {"value": value, "updated_at": func.now()}
        statement = insert(service_modes).values(name=name, value=value)
        async with self._database.write() as connection:
            await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))
        await self.refresh()
