"""One elected process for what a region needs done once (the queue's figures, the sweeping), whatever the replicas.

The election is a row in the database that its holder renews, not an advisory lock: it passes a transaction pooler,
needs no connection of its own, and a machine that vanishes without closing its connections loses it as soon as a
killed process does. All times are the database's.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum

import structlog
from sqlalchemy import text

from app.database import Database, DatabaseUnavailable

_LOG = structlog.get_logger("app.lease")
RENEW_SECONDS = 2.0
LEASE_SECONDS = 6.0
"""Two renewals may fail; after that the next process that asks is elected."""


class Duty(StrEnum):
    """Duty of one process for all."""

    FIGURES = "figures"
    SWEEP = "sweep"


class Lease:
    """One process' claim on a duty."""

    def __init__(self, database: Database, duty: Duty, instance: str) -> None:
        self._database = database
        self._duty = duty
        self._holder = f"{instance}:{os.getpid()}:{secrets.token_hex(4)}"

    async def held(self) -> bool:
        """Take or renew it; False while another process has it. Raises DatabaseUnavailable."""
        claim = {"duty": self._duty, "holder": self._holder}
        # Who is not elected only reads: taking writes the row's lock to the disk even when it is taken in vain.
        async with self._database.read(fresh=True) as connection:
            if (await connection.execute(_TAKEN, claim)).scalar() is not None:
                return False
        async with self._database.write() as connection:
            return (await connection.execute(_TAKE, {**claim, "life": LEASE_SECONDS})).scalar() is not None


async def regularly(lease: Lease, seconds: float, work: Callable[[], Awaitable[None]], name: str) -> None:
    """Do the work every so many seconds until cancelled, in the elected process alone; a database that is away
    is waited for.
    """
    due = time.monotonic() + seconds
    while True:
        await asyncio.sleep(min(seconds, RENEW_SECONDS))
        try:
            if not await lease.held() or time.monotonic() < due:
                continue
            due = time.monotonic() + seconds
            await work()
        except DatabaseUnavailable as error:
            _LOG.warning(f"{name} failed", error=str(error))


_TAKEN = text("SELECT holder FROM leases WHERE duty = :duty AND holder != :holder AND until >= now()")
_TAKE = text(
    "INSERT INTO leases AS lease (duty, holder, until) VALUES (:duty, :holder, now() + make_interval(secs => :life))"
    " ON CONFLICT (duty) DO UPDATE SET holder = excluded.holder, until = excluded.until"
    " WHERE lease.until < now() OR lease.holder = excluded.holder RETURNING duty"
)
