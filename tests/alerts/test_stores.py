"""The alerts of stores in the cluster, by the real promtool on the real rules of dev."""

from __future__ import annotations

import pytest

from tests.alerts.conftest import Replay, fired

FIRING = 'count by (alertname, service, severity) (ALERTS{alertstate="firing",service=~"postgres|redis-.*"})'


def connections(pod: str, values: str) -> dict[str, str]:
    """The database's connections as a process shows them, a value each half minute."""
    return {f'pg_stat_database_numbackends{{datname="contentgen",namespace="contentgen",pod="{pod}"}}': values}


ONE_AFTER_THE_OTHER = (
    connections("cpm-0", "81x7 stale")
    | connections("cpm-1", "0x8 81x7 stale")
    | connections("im-0", "0x17 81x7 stale")
    | connections("im-1", "0x26 81x40")
)
"""Told by four elected processes of four minutes each, between which there is a reading that nobody has."""

MEBIBYTE = 2**20


def memory(store: str, percent: float, most: int = 256 * MEBIBYTE) -> dict[str, str]:
    labels = f'store="{store}",namespace="contentgen",pod="cpm-0"'
    used = most * percent / 100
    return {
        f"redis_memory_used_bytes{{{labels}}}": f"{used:.10g}x40",
        f"redis_memory_max_bytes{{{labels}}}": f"{most}x40",
    }


@pytest.mark.requirement("P03")
@pytest.mark.requirement("R03")
@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            connections("cpm-0", "81x40") | connections("cpm-1", "0x40"),
            [fired("DatabaseConnectionsHigh", "postgres", "warning")],
        ),
        (connections("cpm-0", "80x40") | connections("cpm-1", "80x40"), []),
        (connections("cpm-0", "50x10 150x8 50x20"), []),
        (ONE_AFTER_THE_OTHER, [fired("DatabaseConnectionsHigh", "postgres", "warning")]),
        ({}, []),
        (memory("queue", 76), [fired("RedisMemoryHigh", "redis-queue", "warning")]),
        (memory("queue", 75), []),
        (memory("cache", 76), [fired("RedisMemoryHigh", "redis-cache", "low")]),
        (memory("cache", 76, most=0), []),
    ],
    ids=[
        "81 connections",
        "80",
        "150 but briefly",
        "told by one process after the other",
        "nothing known",
        "queue at 76 %",
        "75 %",
        "cache at 76 %",
        "no limit",
    ],
)
def test_a_store_that_needs_its_next_size_is_told_of(
    told: dict[str, str], expected: list[object], replay: Replay
) -> None:
    checks = [
        {"expr": FIRING, "eval_time": f"{minute}m", "exp_samples": expected if minute == 15 else []}
        for minute in (*range(1, 5), 15)
    ]
    replay("dev", told, "30s", checks)
