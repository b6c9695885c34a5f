"""Cost metrics of the service (M02), and the row that it writes when a day costs too much."""

from datetime import UTC, date, datetime

import pytest
from conftest import eventually
from recorded import MakeSettings
from test_http import MakeClient, figures
from test_ledger import rows
from test_worker import in_service

from app.services import Services
from app.telemetry.costs import Costs, spent, warn

INSERT_CALL = (
    "INSERT INTO llm_calls"
    " (text_key, day, provider, model, kind, reserved_usd, cost_usd, outcome, expires_at, settled_at)"
    " VALUES ('{key}', (now() AT TIME ZONE 'UTC')::date, 'openai', 'm', 'sync', 1, {usd}, 'written', now(), now())"
)
INSERT_JOB = (
    "INSERT INTO jobs (id, created_at, client_id, topic, content_type, priority, status, expires_at, cost_usd)"
    " VALUES (gen_random_uuid(), {moment}, 'acme', 'x', 'blog', 'cost', '{status}', now(), 0.5)"
)


@pytest.mark.requirement("M02")
def test_what_today_cost_is_what_the_view_says_of_today(make_settings: MakeSettings, database_url: str) -> None:
    rows(database_url, INSERT_CALL.format(key="a", usd=2.5))
    rows(database_url, INSERT_CALL.format(key="b", usd=0.25))
    for moment, status in (("now()", "completed"), ("now()", "failed"), ("now() - interval '2 days'", "completed")):
        rows(database_url, INSERT_JOB.format(moment=moment, status=status))

    async def scenario(services: Services) -> Costs:
        async with services.database.read() as connection:
            return await spent(connection, datetime.now(UTC))

    found = in_service(make_settings(), scenario, work=False)
    (view,) = rows(database_url, "SELECT total_cost_usd FROM daily_costs WHERE day = (now() AT TIME ZONE 'UTC')::date")
    assert found.today == float(view["total_cost_usd"]) == pytest.approx(2.751)


@pytest.mark.requirement("M02")
def test_the_month_is_the_sum_of_its_days(make_settings: MakeSettings, database_url: str) -> None:
    insert = "INSERT INTO llm_days (day, committed_usd) VALUES ('{}', {})"
    for day, usd in (("2026-02-28", 100), ("2026-03-01", 7), ("2026-03-15", 8), ("2026-03-16", 900)):
        rows(database_url, insert.format(day, usd))

    async def scenario(services: Services) -> Costs:
        async with services.database.read() as connection:
            return await spent(connection, datetime(2026, 3, 15, 12, tzinfo=UTC))

    assert in_service(make_settings(), scenario, work=False).month == 15


@pytest.mark.requirement("M02")
@pytest.mark.parametrize(("today", "written"), [(50.0, 0), (50.01, 1)])
def test_a_day_over_50_dollars_is_written_down_once(
    make_settings: MakeSettings, database_url: str, today: float, written: int
) -> None:
    async def scenario(services: Services) -> None:
        for more in (0, 1):
            await warn(services.database, Costs(date(2026, 3, 15), today + more * (today > 50), 0))

    in_service(make_settings(), scenario, work=False)
    found = [tuple(row) for row in rows(database_url, "SELECT day, type, severity, message FROM alerts")]
    message = "daily cost limit exceeded: 50.01 USD, 50 are allowed"
    assert found == [(date(2026, 3, 15), "cost_overrun", "warning", message)] * written


@pytest.mark.requirement("M02")
def test_a_running_service_shows_the_costs_and_writes_the_overrun_down(
    make_client: MakeClient, database_url: str
) -> None:
    rows(database_url, INSERT_CALL.format(key="a", usd=60))
    client = make_client()
    shown = eventually(lambda: figures(client.get("/metrics").text, "content_cost_today_usd").get("", 0) >= 60)
    assert shown
    (row,) = eventually(lambda: rows(database_url, "SELECT type, severity FROM alerts"))
    assert tuple(row) == ("cost_overrun", "warning")
