"""The alerts of stores in the cluster, by the real promtool on the real rules of dev."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.alerts.conftest import Promtool

FIRING = 'count by (alertname, service, severity) (ALERTS{alertstate="firing",service=~"postgres|redis-.*"})'
CONNECTIONS = 'pg_stat_database_numbackends{datname="contentgen",namespace="contentgen",pod="cpm-0"}'
MEBIBYTE = 2**20


def memory(store: str, percent: float, most: int = 256 * MEBIBYTE) -> dict[str, str]:
    labels = f'store="{store}",namespace="contentgen",pod="cpm-0"'
    used = most * percent / 100
    return {
        f"redis_memory_used_bytes{{{labels}}}": f"{used:.10g}x40",
        f"redis_memory_max_bytes{{{labels}}}": f"{most}x40",
    }


def fired(alert: str, about: str, severity: str) -> dict[str, object]:
    return {"labels": f'{{alertname="{alert}",service="{about}",severity="{severity}"}}', "value": 1}


@pytest.mark.requirement("P03")
@pytest.mark.requirement("R03")
@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({CONNECTIONS: "81x40"}, [fired("DatabaseConnectionsHigh", "postgres", "warning")]),
        ({CONNECTIONS: "80x40"}, []),
        ({CONNECTIONS: "50x10 150x8 50x20"}, []),
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
        "nothing known",
        "queue at 76 %",
        "75 %",
        "cache at 76 %",
        "no limit",
    ],
)
def test_a_store_that_needs_its_next_size_is_told_of(
    told: dict[str, str],
    expected: list[object],
    promtool: Promtool,
    rules_of: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    checks = [
        {"expr": FIRING, "eval_time": f"{minute}m", "exp_samples": expected if minute == 15 else []}
        for minute in (*range(1, 5), 15)
    ]
    series = [{"series": name, "values": values} for name, values in told.items()]
    test = {"interval": "30s", "input_series": series, "promql_expr_test": checks}
    file = tmp_path / "test.yaml"
    file.write_text(
        yaml.safe_dump({"rule_files": [str(rules_of("dev"))], "evaluation_interval": "30s", "tests": [test]})
    )
    code, said = promtool("test", "rules", file)
    assert code == 0, said
