"""The alerts of what the service does by itself, by the real promtool on the real rules of prod."""

from __future__ import annotations

import pytest

from tests.alerts.conftest import Replay, fired

FIRING = (
    "count by (alertname, service, severity)"
    ' (ALERTS{alertstate="firing",alertname=~"BackgroundTaskFailing|JobsWithoutPartition"})'
)
FAILING = fired("BackgroundTaskFailing", "im", "warning")
STRAYED = fired("JobsWithoutPartition", "postgres", "warning")


def failures(task: str, pod: int, values: str) -> dict[str, str]:
    """Failures of a task in an instance of im, a value each half minute."""
    labels = f'task="{task}",namespace="contentgen",pod="im-{pod}",app_kubernetes_io_name="im"'
    return {f"background_failures_total{{{labels}}}": values}


def strayed(pod: str, values: str) -> dict[str, str]:
    """Jobs in no month's partition as an instance shows them, a value each five minutes."""
    return {f'jobs_default_partition_rows{{namespace="contentgen",pod="{pod}"}}': values}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (failures("figures", 0, "0x20 4x40"), [FAILING]),
        (failures("figures", 0, "0x20 3x40"), []),
        (failures("figures", 0, "8x20 11x40"), []),
        (failures("figures", 0, "8x20 12x40"), [FAILING]),
        (failures("figures", 0, "0x10 1x10 2x10 3x10 4x10 5x10"), []),
        (failures("figures", 0, "0x20 3x40") | failures("watch", 0, "0x20 3x40"), []),
        (failures("figures", 0, "0x20 1x40") | failures("figures", 1, "0x20 3x40"), []),
        (failures("figures", 0, "0x40") | failures("figures", 1, "0x20 4x40"), [FAILING]),
        (failures("figures", 0, "90x60"), []),
        (failures("figures", 0, "9x20 0x2 4x40"), [FAILING]),
        ({}, []),
    ],
    ids=[
        "four times",
        "three times",
        "three times, and eight times before",
        "four times, and eight times before",
        "once in five minutes",
        "two tasks, three times each",
        "once here and three times there",
        "four times in one of two instances",
        "often, but long ago",
        "four times after a new start",
        "nothing known",
    ],
)
def test_a_background_task_that_fails_more_than_three_times_in_ten_minutes_is_told_of(
    told: dict[str, str], expected: list[object], replay: Replay
) -> None:
    during = {"expr": FIRING, "eval_time": "15m", "exp_samples": expected}
    after = {"expr": FIRING, "eval_time": "25m", "exp_samples": []}
    replay("prod", told, "30s", [during, after])


NOBODY = "0x400"
ALWAYS = "5x400"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (strayed("worker-0", ALWAYS) | strayed("cpm-0", NOBODY), [STRAYED]),
        (strayed("worker-0", "5x311 0x88"), []),
        (strayed("worker-0", "0x12 5x300"), []),
        (strayed("worker-0", NOBODY), []),
        (strayed("worker-0", "5x100 stale") | strayed("cpm-0", "0x101 5x298"), [STRAYED]),
        (strayed("worker-0", "5x100 stale") | strayed("cpm-0", "0x130 5x269"), []),
        ({}, []),
    ],
    ids=[
        "for 26 hours",
        "moved before that",
        "for 25 hours",
        "none",
        "told by one process and then by another",
        "none for hours in between",
        "nothing known",
    ],
)
def test_jobs_that_lie_in_no_partition_for_more_than_a_day_are_told_of(
    told: dict[str, str], expected: list[object], replay: Replay
) -> None:
    before = {"expr": FIRING, "eval_time": "25h55m", "exp_samples": []}
    after = {"expr": FIRING, "eval_time": "26h5m", "exp_samples": expected}
    replay("prod", told, "5m", [before, after])
