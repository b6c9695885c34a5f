"""One look a second at what a process must know of its surroundings, over a connection of its own.

Health endpoints, modes, flags and revocations all come from the last look. So a thousand questions about health cost
the stores nothing, and a full request pool is not mistaken for a database that is gone (B01, E01).
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import structlog
from pydantic import SecretStr
from sqlalchemy import text

from app.access.revocations import Revocations
from app.database import DatabaseUnavailable, Translated, engine
from app.redis_link import RedisLink
from app.schema import Schema
from app.service_settings import ServiceSettings
from app.switches import EVERY_SECONDS, Switchboard

LOOK_SECONDS: Final = 2.0
"""A store that does not answer within this is down."""
LOST_SECONDS: Final = 3 * EVERY_SECONDS + LOOK_SECONDS
"""A look older than this says nothing about now."""
PAYMENTS_EVERY_SECONDS: Final = 30.0
UNAUTHORISED: Final = 401
_NEVER: Final = float("-inf")
_LOG = structlog.get_logger("app.watch")
_NOW: Final = text("SELECT clock_timestamp() AS moment, pg_is_in_recovery() AS standby")


@dataclass(frozen=True)
class Reading:
    """Result of one look. ``latency_ms`` is the primary's; None says that it is not there or takes no writes."""

    at: float
    latency_ms: float | None = None
    migrated: bool = False
    cache: bool = False

    @property
    def database(self) -> bool:
        """True if the primary answered."""
        return self.latency_ms is not None


@dataclass(frozen=True)
class Payments:
    """Check of the payment provider: an address, and the key that it must accept, if one is given."""

    url: str
    key: SecretStr | None = None


class Watch:
    """Looks regularly and keeps the last reading."""

    def __init__(
        self,
        settings: ServiceSettings,
        switchboard: Switchboard,
        cache: RedisLink,
        http: httpx.AsyncClient,
        schema: Schema,
        payments: Payments | None = None,
    ) -> None:
        own = {"database_pool_size": 1, "database_max_overflow": 0, "database_pool_timeout_seconds": LOOK_SECONDS}
        self._engine = engine(settings.model_copy(update=own), settings.database_url)
        self._schema = schema
        self._switchboard = switchboard
        self._cache = cache
        self._http = http
        self._payments = payments
        self._last = Reading(_NEVER)
        self._clock: tuple[datetime, float] | None = None
        self.revocations = Revocations()
        self.payments = False

    @property
    def now(self) -> Reading:
        """The last reading; one that says "nothing there" when it is too old to be used."""
        last = self._last
        return last if time.monotonic() - last.at <= LOST_SECONDS else Reading(last.at)

    def moment(self) -> datetime:
        """The time by the database's clock: that of this machine may be wrong, and partitions are made by time."""
        if self._clock is None:
            return datetime.now(UTC)
        moment, read_at = self._clock
        return moment + timedelta(seconds=time.monotonic() - read_at)

    async def look(self) -> Reading:
        """Look now. A store that is gone is a finding, not an error."""
        database, cache = await asyncio.gather(self._database(), self._cache.connected())
        latency_ms, migrated = database
        self._last = Reading(time.monotonic(), latency_ms, migrated, cache)
        return self._last

    async def follow(self) -> None:
        """Look until cancelled; after a look that took long, at once again."""
        began = time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, began + EVERY_SECONDS - time.monotonic()))
            began = time.monotonic()
            await self.look()

    async def follow_payments(self) -> None:
        """Poll the payment provider every half minute where one is configured (E01)."""
        assert self._payments is not None
        key = self._payments.key
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        while True:
            try:
                reply = await self._http.get(self._payments.url, headers=headers, timeout=LOOK_SECONDS)
                self.payments = reply.status_code < 500 and not (key and reply.status_code == UNAUTHORISED)
            except httpx.HTTPError:
                self.payments = False
            await asyncio.sleep(PAYMENTS_EVERY_SECONDS)

    async def close(self) -> None:
        """Give the connection back."""
        await self._engine.dispose()

    async def _database(self) -> tuple[float | None, bool]:
        began = time.perf_counter()
        try:
            with Translated():
                async with asyncio.timeout(LOOK_SECONDS), self._engine.connect() as connection:
                    row = (await connection.execute(_NOW)).one()
                    latency_ms = (time.perf_counter() - began) * 1000
                    self._clock = (row.moment, time.monotonic())
                    if row.standby:
                        return None, False
                    migrated = await self._schema.ready(connection)
                    if migrated:
                        await self._switchboard.read(connection)
                        await self.revocations.read(connection, row.moment)
                    return round(latency_ms, 2), migrated
        except DatabaseUnavailable as error:
            if self._last.database or self._last.at == _NEVER:
                _LOG.warning("the database does not answer", error=str(error))
            return None, False
