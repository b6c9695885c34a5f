"""Document A's alerts and those of costs and restarts, by the real promtool on the real rules of prod."""

from __future__ import annotations

import pytest

from app.telemetry.costs import OVERRUN_USD
from components.alert_rules import rendered
from infra.settings.services import ServiceSettings
from ops.stack_files import read
from stacks.monitoring.content_alerts import DAY_USD
from stacks.plan import plan
from tests.alerts.conftest import Replay, fired
from tests.unit.program import CONTENT_STACKS, ROOT

NAMES = (
    "HighErrorRate|LowSuccessRate|HighMemoryUsage|DatabaseConnectionPoolExhausted|"
    "CostOverrun|MonthCostHigh|RestartingAgainAndAgain"
)
FIRING = f'count by (alertname, service, severity) (ALERTS{{alertstate="firing",alertname=~"{NAMES}"}})'
GIBIBYTE = 2**30
Told = dict[str, str]


def target(workload: str, pod: int = 0) -> str:
    """The labels that Prometheus adds to what a pod tells."""
    return (
        f'namespace="contentgen",pod="{workload}-{pod}",container="{workload}",job="contentgen/metrics",'
        f'instance="10.0.0.{pod}:8000",app_kubernetes_io_name="{workload}"'
    )


def errors(values: str, workload: str = "worker", pod: int = 0, kind: str = "provider_timeout") -> Told:
    return {f'content_errors_total{{error_type="{kind}",{target(workload, pod)}}}': values}


def ended(status: str, values: str, pod: int = 0) -> Told:
    return {f'content_requests_total{{status="{status}",{target("worker", pod)}}}': values}


def memory(workload: str, amount: float, pod: int = 0) -> Told:
    return {f"memory_usage_bytes{{{target(workload, pod)}}}": f"{amount:.0f}x60"}


def backends(database: str, count: float, pod: int = 0) -> Told:
    return {f'pg_stat_database_numbackends{{datname="{database}",{target("cpm", pod)}}}': f"{count:g}x60"}


def accepted(count: float, pod: int = 0) -> Told:
    return {f"pg_settings_max_connections{{{target('cpm', pod)}}}": f"{count:g}x60"}


def cost(period: str, values: str, pod: int = 0) -> Told:
    return {f"content_cost_{period}_usd{{{target('cpm', pod)}}}": values}


def restarts(container: str, values: str, pod: str = "a") -> Told:
    labels = f'namespace="contentgen",pod="{container}-{pod}",container="{container}",uid="1",job="kube-state-metrics"'
    return {f"kube_pod_container_status_restarts_total{{{labels}}}": values}


def check(replay: Replay, told: Told, minutes: str, *expected: object) -> None:
    replay("prod", told, "30s", [{"expr": FIRING, "eval_time": minutes, "exp_samples": list(expected)}])


ERRORS = fired("HighErrorRate", "worker", "warning")
SUCCESS = fired("LowSuccessRate", "worker", "critical")
MEMORY = fired("HighMemoryUsage", "cpm", "warning")
EXHAUSTED = fired("DatabaseConnectionPoolExhausted", "postgres", "critical")


@pytest.mark.requirement("O01")
@pytest.mark.requirement("O09")
@pytest.mark.parametrize(
    ("told", "minutes", "expected"),
    [
        (errors("0+4x60"), "15m", [ERRORS]),
        (errors("0+3x60"), "15m", []),
        (errors("0+2x60") | errors("0+2x60", pod=1, kind="content"), "15m", [ERRORS]),
        (errors("0+4x60"), "5m", []),
        (errors("0+4x60", workload="im"), "15m", []),
        (errors("0+4x16 68x44"), "25m", []),
    ],
    ids=["0.13 a second", "0.1 a second", "two kinds of two workers", "for 4 min", "as im counts them too", "over"],
)
def test_more_than_a_tenth_of_an_error_a_second_for_five_minutes_warns(
    replay: Replay, told: Told, minutes: str, expected: list[object]
) -> None:
    check(replay, told, minutes, *expected)


@pytest.mark.requirement("O01")
@pytest.mark.requirement("O09")
@pytest.mark.parametrize(
    ("told", "minutes", "expected"),
    [
        (ended("success", "0+89x60") | ended("error", "0+11x60"), "16m", [SUCCESS]),
        (ended("success", "0+901x60") | ended("error", "0+99x60"), "16m", []),
        (ended("success", "0+89x60") | ended("error", "0+11x60"), "10m", []),
        (ended("success", "0+89x60") | ended("error", "0+6x60", pod=1) | ended("expired", "0+5x60"), "16m", [SUCCESS]),
        (ended("error", "0+1x60"), "16m", [SUCCESS]),
        (ended("success", "5x60") | ended("error", "5x60"), "16m", []),
    ],
    ids=["89 of 100", "901 of 1000", "not for 10 min", "two statuses of two workers", "none at all", "nothing ends"],
)
def test_fewer_than_nine_of_ten_good_jobs_for_ten_minutes_are_critical(
    replay: Replay, told: Told, minutes: str, expected: list[object]
) -> None:
    check(replay, told, minutes, *expected)


@pytest.mark.requirement("O01")
@pytest.mark.requirement("O09")
@pytest.mark.parametrize(
    ("told", "minutes", "expected"),
    [
        (memory("cpm", 0.851 * GIBIBYTE), "6m", [MEMORY]),
        (memory("cpm", 0.849 * GIBIBYTE), "6m", []),
        (memory("cpm", 0.851 * GIBIBYTE), "4m", []),
        (memory("cpm", 0.5 * GIBIBYTE) | memory("cpm", 0.9 * GIBIBYTE, pod=1), "6m", [MEMORY]),
        (memory("cpm", 0.5 * GIBIBYTE) | memory("cpm", 0.5 * GIBIBYTE, pod=1), "6m", []),
        (memory("frontend", 0.43 * GIBIBYTE), "6m", [fired("HighMemoryUsage", "frontend", "warning")]),
    ],
    ids=["above 85 % of 1Gi", "below it", "for 4 min", "one of two", "two halves", "85 % of another limit"],
)
def test_an_instance_near_its_memory_limit_for_five_minutes_warns(
    replay: Replay, told: Told, minutes: str, expected: list[object]
) -> None:
    check(replay, told, minutes, *expected)


@pytest.mark.requirement("O09")
def test_with_two_gigabytes_an_instance_warns_at_one_and_a_half() -> None:
    large = read(ROOT, "prod").model_copy(update={"services": {"cpm": ServiceSettings(memory="2Gi")}})
    (rule,) = (
        one for one in plan("it", large).alerts["content"] if (one.name, one.about) == ("HighMemoryUsage", "cpm")
    )
    assert rule.expression.endswith("> 1500000000")


@pytest.mark.requirement("O01")
@pytest.mark.requirement("O09")
@pytest.mark.parametrize(
    ("told", "minutes", "expected"),
    [
        (backends("contentgen", 181) | accepted(200), "6m", [EXHAUSTED]),
        (backends("contentgen", 180) | accepted(200), "6m", []),
        (backends("contentgen", 181) | accepted(200), "4m", []),
        (backends("contentgen", 100) | backends("contentgen_scratch", 81) | accepted(200), "6m", [EXHAUSTED]),
        (
            backends("contentgen", 181) | backends("contentgen", 0, pod=1) | accepted(200) | accepted(0, 1),
            "6m",
            [EXHAUSTED],
        ),
        (backends("contentgen", 95) | backends("contentgen", 95, pod=1) | accepted(200), "6m", []),
        (backends("contentgen", 0) | accepted(0), "6m", []),
    ],
    ids=["181 of 200", "180 of 200", "for 4 min", "of two databases", "one elected", "told twice", "nobody elected"],
)
def test_more_than_nine_tenths_of_the_connections_for_five_minutes_are_critical(
    replay: Replay, told: Told, minutes: str, expected: list[object]
) -> None:
    check(replay, told, minutes, *expected)


@pytest.mark.requirement("M02")
@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (cost("today", "50.01x60"), [fired("CostOverrun", "costs", "warning")]),
        (cost("today", "50x60"), []),
        (cost("today", "30x60") | cost("today", "30x60", pod=1), []),
        (cost("month", "1500.5x60"), [fired("MonthCostHigh", "costs", "high")]),
        (cost("month", "1500x60"), []),
    ],
    ids=["over 50 USD a day", "50 USD a day", "told twice", "over 1500 USD a month", "1500 USD a month"],
)
def test_a_day_over_50_dollars_and_a_month_over_the_budget_are_told_of(
    replay: Replay, told: Told, expected: list[object]
) -> None:
    check(replay, told, "2m", *expected)


def test_the_service_writes_its_own_row_at_the_same_amount() -> None:
    assert DAY_USD == OVERRUN_USD == 50


RESTARTING = fired("RestartingAgainAndAgain", "pods", "high")


@pytest.mark.requirement("A05")
@pytest.mark.parametrize(
    ("told", "minutes", "expected"),
    [
        (restarts("cpm", "0x4 1x4 2x4 3x40"), "10m", [RESTARTING]),
        (restarts("cpm", "0x4 1x4 2x40"), "10m", []),
        (restarts("cpm", "7x4 8x4 9x4 10x40"), "10m", [RESTARTING]),
        (restarts("pgbouncer", "0x4 1x4 2x4 3x40"), "10m", [RESTARTING]),
        (restarts("cpm", "0x4 2x40") | restarts("cpm", "0x4 2x40", pod="b"), "10m", []),
        (restarts("cpm", "0x10 1x40 2x40 3x40"), "55m", []),
        (restarts("cpm", "0x4 1x4 2x4 3x90"), "45m", []),
    ],
    ids=["third", "second", "third after others", "of any container", "two of two pods", "over an hour", "long ago"],
)
def test_a_container_that_restarts_a_third_time_within_half_an_hour_is_told_of(
    replay: Replay, told: Told, minutes: str, expected: list[object]
) -> None:
    check(replay, told, minutes, *expected)


@pytest.mark.requirement("O09")
@pytest.mark.parametrize("stack", CONTENT_STACKS)
def test_every_group_is_evaluated_each_thirty_seconds(stack: str) -> None:
    groups = rendered(plan("it", read(ROOT, stack)).alerts)["groups"]
    assert isinstance(groups, list)
    assert {group["interval"] for group in groups} == {"30s"}
    assert "content" in {group["name"] for group in groups}
