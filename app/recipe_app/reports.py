"""Reports and analytics of recipe-app (K17): figures by day, week and month, subscriptions, and what costs rose by.

Each is a row that a later run of the same period replaces, so a chore may be done again at any time.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.chores import Chore

LATE_DAYS: Final = 3
"""Days whose analytics are made anew: a call of the day before may be settled later."""
RISE: Final = 1.2
"""A month that costs so many times the one before is worth a look."""


def week_before(today: date) -> tuple[date, date]:
    """First day of the last whole week, Monday to Sunday, and the day after it."""
    monday = today - timedelta(days=today.weekday())
    return monday - timedelta(days=7), monday


def month_before(today: date) -> tuple[date, date]:
    """First day of the last whole month, and the day after it."""
    first = today.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1), first


def _between(first: date, after: date) -> dict[str, date]:
    """A period as statements take it: days, and the moments in UTC at which they begin."""
    begins, ends = (datetime.combine(day, time(), UTC) for day in (first, after))
    return {"first_day": first, "after_day": after, "begins": begins, "ends": ends}


def _today() -> date:
    return datetime.now(UTC).date()


async def _cost_analytics(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
    days = [_today() - timedelta(days=back) for back in range(LATE_DAYS)]
    for day in () if dry_run else days:
        await connection.execute(_DAY, _between(day, day + timedelta(days=1)))
    return len(days), f"{days[-1]} to {days[0]}"


async def _report(connection: AsyncConnection, dry_run: bool, kind: str, period: tuple[date, date]) -> tuple[int, str]:
    first, after = period
    row = (await connection.execute(_FIGURES, _between(first, after))).one()
    figures = {name: float(value) if name.endswith("usd") else value for name, value in row._asdict().items()}
    ingredients = await connection.execute(_LIKED, _between(first, after))
    body = {**figures, "ingredients": {row.name: row.times for row in ingredients}}
    if not dry_run:
        await _write(connection, kind, first, body)
    return 1, f"{kind} of {first}: {json.dumps(body, default=str)}"


async def _weekly(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
    return await _report(connection, dry_run, "weekly", week_before(_today()))


async def _monthly(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
    return await _report(connection, dry_run, "monthly", month_before(_today()))


async def _subscriptions(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
    first, after = month_before(_today())
    rows = (await connection.execute(_TIERS, _between(first, after))).all()
    for row in () if dry_run else rows:
        await connection.execute(_TIER, {**row._asdict(), "month": first})
    return len(rows), "; ".join(f"{row.tier}: {row.clients} clients, +{row.begun} -{row.ended}" for row in rows)


async def _cost_review(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
    """Last month's cost by model beside the month before, and what would make it less."""
    first, after = month_before(_today())
    earlier, _ = month_before(first)
    rows = (await connection.execute(_BY_MODEL, {"earlier": earlier, "first_day": first, "after_day": after})).all()
    now, before = (sum(float(getattr(row, name)) for row in rows) for name in ("now_usd", "before_usd"))
    cached = (await connection.execute(_CACHED, _between(first, after))).scalar_one()
    advice = [
        f"{row.model}: {float(row.now_usd):.2f} USD after {float(row.before_usd):.2f}"
        for row in rows
        if float(row.now_usd) > RISE * float(row.before_usd)
    ]
    body = {
        "now_usd": now,
        "before_usd": before,
        "cached_share": float(cached or 0),
        "models": {row.model: float(row.now_usd) for row in rows},
        "rose": advice,
    }
    if not dry_run:
        await _write(connection, "cost_review", first, body)
    return len(advice), f"{first}: {now:.2f} USD after {before:.2f}; {'; '.join(advice)}".rstrip("; ")


async def _system_metrics(connection: AsyncConnection, dry_run: bool) -> tuple[int, str]:
    found = {row.name: float(row.value) for row in await connection.execute(_SYSTEM)}
    for name, value in () if dry_run else found.items():
        await connection.execute(_METRIC, {"name": name, "value": value})
    return len(found), ", ".join(f"{name} {value:g}" for name, value in found.items())


async def _write(connection: AsyncConnection, kind: str, first: date, body: Mapping[str, object]) -> None:
    await connection.execute(_WRITTEN, {"kind": kind, "first": first, "body": json.dumps(body, default=str)})


COST_ANALYTICS: Final = Chore("cost analytics", _cost_analytics)
WEEKLY_REPORT: Final = Chore("weekly report", _weekly)
MONTHLY_REPORT: Final = Chore("monthly report", _monthly)
SUBSCRIPTIONS: Final = Chore("subscription metrics", _subscriptions)
COST_REVIEW: Final = Chore("cost review", _cost_review)
SYSTEM_METRICS: Final = Chore("system metrics", _system_metrics)

_DAY: Final = text(
    """
    INSERT INTO cost_days (day, calls, tokens, cost_usd, recipes, from_cache, videos, users)
    SELECT cast(:first_day AS date), paid.calls, paid.tokens, paid.cost,
           made.recipes, made.cached, filmed.videos, made.users
    FROM (SELECT count(*) AS calls, coalesce(sum(input_tokens + output_tokens), 0) AS tokens,
                 coalesce(sum(CASE WHEN settled_at IS NULL THEN reserved_usd ELSE cost_usd END), 0) AS cost
          FROM llm_calls WHERE day = :first_day) AS paid,
         (SELECT count(*) AS recipes, count(*) FILTER (WHERE cached) AS cached, count(DISTINCT owner) AS users
          FROM recipes WHERE created_at >= :begins AND created_at < :ends) AS made,
         (SELECT count(*) AS videos FROM videos WHERE finished_at >= :begins AND finished_at < :ends
          AND status = 'ready') AS filmed
    ON CONFLICT (day) DO UPDATE SET calls = excluded.calls, tokens = excluded.tokens, cost_usd = excluded.cost_usd,
        recipes = excluded.recipes, from_cache = excluded.from_cache, videos = excluded.videos, users = excluded.users
    """
)
_FIGURES: Final = text(
    """
    SELECT count(*) AS recipes, count(*) FILTER (WHERE status IN ('ready', 'archived')) AS ready,
           count(*) FILTER (WHERE status = 'failed') AS failed, count(*) FILTER (WHERE cached) AS from_cache,
           count(DISTINCT owner) AS active_users,
           (SELECT count(*) FROM users WHERE created_at >= :begins AND created_at < :ends) AS new_users,
           (SELECT count(*) FROM sessions WHERE created_at >= :begins AND created_at < :ends) AS sign_ins,
           (SELECT count(*) FROM videos WHERE status = 'ready' AND finished_at >= :begins
            AND finished_at < :ends) AS videos,
           (SELECT coalesce(sum(cost_usd), 0) FROM llm_calls WHERE day >= :first_day AND day < :after_day) AS cost_usd
    FROM recipes WHERE created_at >= :begins AND created_at < :ends
    """
)
_LIKED: Final = text(
    "SELECT lower(name) AS name, count(*) AS times FROM recipes, jsonb_array_elements_text(wanted) AS name"
    " WHERE created_at >= :begins AND created_at < :ends GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"
)
_TIERS: Final = text(
    "SELECT tier, count(DISTINCT client_id) FILTER (WHERE revoked_at IS NULL OR revoked_at >= :ends) AS clients,"
    " count(*) FILTER (WHERE created_at >= :begins) AS begun,"
    " count(*) FILTER (WHERE revoked_at >= :begins AND revoked_at < :ends) AS ended"
    " FROM api_keys WHERE created_at < :ends GROUP BY tier ORDER BY tier"
)
_TIER: Final = text(
    "INSERT INTO subscription_metrics (month, tier, clients, begun, ended)"
    " VALUES (:month, :tier, :clients, :begun, :ended) ON CONFLICT (month, tier)"
    " DO UPDATE SET clients = excluded.clients, begun = excluded.begun, ended = excluded.ended"
)
_BY_MODEL: Final = text(
    "SELECT model, coalesce(sum(cost_usd) FILTER (WHERE day >= :first_day), 0) AS now_usd,"
    " coalesce(sum(cost_usd) FILTER (WHERE day < :first_day), 0) AS before_usd"
    " FROM llm_calls WHERE day >= :earlier AND day < :after_day GROUP BY model ORDER BY 2 DESC"
)
_CACHED: Final = text(
    "SELECT avg(cached::int) FROM recipes WHERE created_at >= :begins AND created_at < :ends AND provider IS NOT NULL"
)
_SYSTEM: Final = text(
    """
    SELECT 'database_bytes' AS name, pg_database_size(current_database())::float8 AS value
    UNION ALL SELECT 'connections', count(*) FROM pg_stat_activity WHERE datname = current_database()
    UNION ALL SELECT 'rows ' || relname, n_live_tup FROM pg_stat_user_tables WHERE relname IN ('recipes', 'videos')
    UNION ALL SELECT 'waiting ' || entrypoint, count(*) FROM pgqueuer WHERE status = 'queued' GROUP BY entrypoint
    """
)
_METRIC: Final = text(
    "INSERT INTO system_metrics (taken_on, name, value) VALUES ((now() AT TIME ZONE 'UTC')::date, :name, :value)"
    " ON CONFLICT (taken_on, name) DO UPDATE SET value = excluded.value"
)
_WRITTEN: Final = text(
    "INSERT INTO reports (kind, first_day, body) VALUES (:kind, :first, cast(:body AS jsonb))"
    " ON CONFLICT (kind, first_day) DO UPDATE SET body = excluded.body, made_at = now()"
)
