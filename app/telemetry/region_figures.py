"""Gauges that no request sets, of a process of any product: read every few seconds by a task of the process.

What is the same for the whole region (stores, and what a product adds) is read by one elected process; the others show
zero, and queries take the largest.
"""

import asyncio

import structlog

from app.core_services import CoreServices
from app.database import DatabaseUnavailable
from app.lease import RENEW_SECONDS, Duty, Lease
from app.telemetry import stores
from app.telemetry.metrics import DATABASE_CONNECTIONS, ProcessFigures

_LOG = structlog.get_logger("app.figures")


class RegionFigures:
    """Fill levels of the stores; a product with more figures of its region extends both methods."""

    def __init__(self, core: CoreServices) -> None:
        self._core = core

    async def read(self) -> None:
        """Set the gauges. Raises DatabaseUnavailable."""
        await stores.read_redis(self._core.redis, "cache")
        await stores.read_redis(self._core.counters, "queue")
        async with self._core.database.read(fresh=True) as connection:
            await stores.read_database(connection)

    def forget(self) -> None:
        """Show zero: another process reads them."""
        stores.forget()


async def keep_figures(core: CoreServices, figures: RegionFigures) -> None:
    """Update the gauges until cancelled; without a store its own keep their last values."""
    own, lease = ProcessFigures(), Lease(core.database, Duty.FIGURES, core.settings.instance_id)
    while True:
        own.update()
        DATABASE_CONNECTIONS.set(core.database.connections_in_use)
        try:
            if await lease.held():
                await figures.read()
            else:
                figures.forget()
        except DatabaseUnavailable as error:
            _LOG.warning("figures are stale", error=str(error))
        await asyncio.sleep(RENEW_SECONDS)
