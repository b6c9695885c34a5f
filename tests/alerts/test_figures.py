"""Metrics of the alert rules are exported: each metric and label by the running application, and the tests' world has
the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from app.frontend import create
from app.lifecycle import Lifecycle
from app.process_settings import ProcessSettings
from app.queue import QueueState
from app.telemetry import costs, figures, stores
from app.telemetry.metrics import BACKGROUND_FAILURES, CONTENT_ERRORS, CONTENT_REQUESTS
from ops.stack_files import read
from stacks.plan import plan
from stacks.specs.alert import NAME_LABEL
from tests.alerts.conftest import Promtool
from tests.alerts.world import Service, always, series
from tests.unit.program import CONTENT_STACKS, ROOT, STACKS

SERIES = re.compile(r"([a-z_]+)\{([^}]*)\}")
LABEL = re.compile(r'([a-z_]+)(?:=~|!~|!=|=)"')
OF_THE_TARGET = {"namespace", "pod", "container", "job", "instance", NAME_LABEL}
"""Labels that Prometheus adds by where it reads, and by the pod's labels that the monitor names."""
ELECTED = {
    *("queue_size", "active_jobs", "queue_oldest_job_seconds", "provider_batch_waiting_jobs"),
    *("pg_stat_database_numbackends", "pg_settings_max_connections"),
    *("content_cost_today_usd", "content_cost_month_usd"),
    *("redis_memory_used_bytes", "redis_memory_max_bytes", "jobs_default_partition_rows"),
}
"""One process of a region reads them, and all others show 0."""
OF_KUBERNETES = {"kube_pod_container_status_restarts_total": {"namespace", "pod", "container", "uid"}}
"""Metrics of kube-state-metrics (its documentation, pod metrics)."""


@pytest.fixture(scope="module")
def exported() -> Mapping[str, set[str]]:
    """The labels of every series that the application hands out, by its name."""
    # Of stores and of background tasks, which the front end has none of; tests/app reads them from real ones.
    stores.BACKENDS.labels("contentgen").set(1)
    for gauge in (stores.REDIS_USED, stores.REDIS_MAX):
        gauge.labels("cache").set(1)
    BACKGROUND_FAILURES.labels("watch").inc()
    CONTENT_ERRORS.labels("provider_timeout").inc(0)
    CONTENT_REQUESTS.labels("success").inc(0)
    with TestClient(create(ProcessSettings(), Lifecycle())) as client:
        client.get("/")
        text = client.get("/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name: set(sample.labels) for sample in samples}


def named(expression: str) -> list[tuple[str, set[str]]]:
    return [(name, set(LABEL.findall(matchers))) for name, matchers in SERIES.findall(expression)]


@pytest.mark.requirement("K19")
@pytest.mark.parametrize("stack", STACKS)
def test_every_figure_in_a_rule_is_exported_with_the_labels_it_is_chosen_by(
    exported: Mapping[str, set[str]], stack: str
) -> None:
    for rules in plan("it", read(ROOT, stack)).alerts.values():
        for rule in rules:
            found = named(rule.expression)
            assert found, f"{rule.name} goes by nothing"
            for name, labels in found:
                told = exported[name] if name in exported else OF_KUBERNETES[name]
                assert labels - OF_THE_TARGET <= told, f"{rule.name}: {name}"


@pytest.mark.parametrize("stack", CONTENT_STACKS)
def test_figures_of_one_elected_process_are_read_as_the_largest_of_all_over_its_replacement(stack: str) -> None:
    read_ones = set()
    for rules in plan("it", read(ROOT, stack)).alerts.values():
        for rule in rules:
            for metric in ELECTED:
                found = len(re.findall(rf"\b{metric}\b", rule.expression))
                largest = rf"max by \(namespace(?:, datname)?\) \(max_over_time\({metric}\{{[^}}]*\}}\[[0-9]+m\]\)\)"
                assert len(re.findall(largest, rule.expression)) == found, f"{rule.name}: {rule.expression}"
                read_ones |= {metric} if found else set()
    assert read_ones >= {"queue_size", "jobs_default_partition_rows"}


def test_the_figures_that_a_process_shows_as_zero_while_another_is_elected_are_these() -> None:
    figures._show(QueueState(waiting=1, running=1, oldest_seconds=1.0, in_batches=1), strayed=1)
    stores.MAX_CONNECTIONS.set(1)
    stores.BACKENDS.labels("contentgen").set(1)
    for gauge in (stores.REDIS_USED, stores.REDIS_MAX):
        gauge.labels("cache").set(1)
    costs.show(costs.Costs(date(2026, 1, 1), today=1.0, month=1.0))
    before = values()
    figures._show(figures.NOTHING, strayed=0)
    stores.forget()
    costs.show(None)
    after = values()
    assert {name for name, value in after.items() if value == 0 and before[name] >= 1} == ELECTED


def values() -> dict[str, float]:
    """The gauges of this process, the largest of each."""
    return {
        family.name: max(sample.value for sample in family.samples)
        for family in REGISTRY.collect()
        if family.type == "gauge" and family.samples
    }


def test_the_figures_of_the_tests_have_exactly_the_labels_of_the_real_ones(exported: Mapping[str, set[str]]) -> None:
    workload = plan("it", read(ROOT, "prod")).workloads[0]
    for told, _ in series(workload, Service(), always(50)):
        ((name, labels),) = named(told)
        assert labels - OF_THE_TARGET == exported[name], name
        assert labels >= OF_THE_TARGET


def test_what_an_alert_says_is_filled_in(promtool: Promtool, rules_of: Callable[[str], Path], tmp_path: Path) -> None:
    expected = {
        "exp_labels": {"severity": "warning", "service": "worker", "namespace": "contentgen"},
        "exp_annotations": {
            "summary": "more than 100 jobs wait for worker",
            "description": "250 jobs wait in the queue; the maximum is 5 instances.",
            "runbook": "docs/runbooks/capacity.md#queuelong",
        },
    }
    test = {
        "interval": "30s",
        "input_series": [{"series": 'queue_size{namespace="contentgen",pod="cpm-0"}', "values": "250x40"}],
        "alert_rule_test": [{"alertname": "QueueLong", "eval_time": "10m", "exp_alerts": [expected]}],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(rules_of("prod"))], "tests": [test]}))
    code, said = promtool("test", "rules", file)
    assert code == 0, said
