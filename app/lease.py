"""One elected process for what a region needs done once (the queue's figures, the sweeping), whatever the replicas.

The election is a row in the database that its holder renews, not an advisory lock: it passes a transaction pooler,
needs no connection of its own, and a machine that vanishes without closing its connections loses it as soon as a
killed process does. All times are the database's.
"""

import os
import secrets
from enum import StrEnum

from sqlalchemy import text

from app.database import Database

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


_TAKEN = text("SELECT holder FROM leases WHERE duty = :duty AND holder != :holder AND until >= now()")
_TAKE = text(
    "INSERT INTO leases AS lease (duty, holder, until) VALUES (:duty, :holder, now() + make_interval(secs => :life))"
    " ON CONFLICT (duty) DO UPDATE SET holder = excluded.holder, until = excluded.until"
    " WHERE lease.until < now() OR lease.holder = excluded.holder RETURNING duty"
)
