"""Cost of this day and this month so far in the region, and the row that says when a day costs too much (M02).

Language models are paid for elsewhere than the infrastructure, so no budget of a cloud sees them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import structlog
from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Database

OVERRUN_USD = 50.0
"""Cost of a day from which an alert row is written, USD (document A, check_daily_cost_limit)."""
EVERY_SECONDS = 300.0
"""The day's jobs are counted anew each time."""
TODAY = Gauge(
    "content_cost_today_usd", "Language models and requests, this day by UTC so far.", multiprocess_mode="livemax"
)
MONTH = Gauge("content_cost_month_usd", "Language models, this month by UTC so far.", multiprocess_mode="livemax")
_LOG = structlog.get_logger("app.costs")

# The day's row of the view daily_costs, whose grouping would read every day there is.
_SPENT = text(
    """
    SELECT
        coalesce((
            SELECT sum(CASE WHEN settled_at IS NULL THEN reserved_usd ELSE cost_usd END)
            FROM llm_calls WHERE day = :day
        ), 0) + 0.001 * (
            SELECT count(*) FROM jobs WHERE status = 'completed' AND created_at >= :begins AND created_at < :ends
        ) AS today,
        coalesce((SELECT sum(committed_usd) FROM llm_days WHERE day >= :first AND day <= :day), 0) AS month
    """
)
_WARN = text(
    """
    INSERT INTO alerts (day, type, message, severity) VALUES (:day, 'cost_overrun', :message, 'warning')
    ON CONFLICT (day, type) DO NOTHING RETURNING day
    """
)


@dataclass(frozen=True)
class Costs:
    """US dollars so far."""

    day: date
    today: float
    month: float


async def spent(connection: AsyncConnection, now: datetime) -> Costs:
    """Raises what the connection does."""
    begins = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = begins.date()
    values = {"day": day, "first": day.replace(day=1), "begins": begins, "ends": begins + timedelta(days=1)}
    row = (await connection.execute(_SPENT, values)).one()
    return Costs(day, float(row.today), float(row.month))


def show(costs: Costs | None) -> None:
    """Set the gauges; zero where another process is elected to."""
    TODAY.set(costs.today if costs else 0)
    MONTH.set(costs.month if costs else 0)


async def warn(database: Database, costs: Costs) -> None:
    """Write down that the day costs too much, once a day."""
    if costs.today <= OVERRUN_USD:
        return
    message = f"daily cost limit exceeded: {costs.today:.2f} USD, {OVERRUN_USD:g} are allowed"
    async with database.write() as connection:
        written = (await connection.execute(_WARN, {"day": costs.day, "message": message})).first()
    if written is not None:
        _LOG.warning("cost overrun", day=costs.day.isoformat(), today_usd=round(costs.today, 2))
