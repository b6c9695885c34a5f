"""Alerts of workflow-dashboard against document B's table, on what a stack declares."""

from __future__ import annotations

import pytest

from ops.stack_files import planned
from stacks.specs.alert import AlertRule
from tests.unit.program import ROOT

B = {
    ("ErrorsRaised", "1", "warning"),
    ("ErrorsHigh", "5", "high"),
    ("LatencyRaised", "1", "warning"),
    ("LatencyHigh", "2", "warning"),
    ("CpuRaised", "80", "warning"),
    ("CpuHigh", "90", "high"),
    ("MemoryRaised", "85", "warning"),
    ("MemoryExhausted", "95", "critical"),
}


def rules(name: str) -> list[AlertRule]:
    groups = planned(ROOT, f"workflow-dashboard-{name}").alerts
    return [rule for group in groups.values() for rule in group]


@pytest.mark.requirement("O02")
@pytest.mark.parametrize("workload", ["backend", "frontend"])
def test_thresholds_and_severities_are_the_documents(workload: str) -> None:
    found = {
        (rule.name, rule.expression.rpartition(" > ")[2], rule.severity.value)
        for rule in rules("prod")
        if rule.about == workload and rule.name != "ServiceDown"
    }
    assert found == B


@pytest.mark.requirement("O02")
@pytest.mark.parametrize("workload", ["backend", "frontend"])
def test_a_service_that_is_down_is_critical_after_three_health_checks(workload: str) -> None:
    (rule,) = (rule for rule in rules("prod") if (rule.name, rule.about) == ("ServiceDown", workload))
    assert (rule.severity.value, rule.for_seconds) == ("critical", 90)
    assert rule.expression.startswith("absent(memory_usage_bytes{")


@pytest.mark.requirement("O02")
def test_more_than_80_of_100_connections_are_told_of() -> None:
    (rule,) = (rule for rule in rules("local") if rule.name == "DatabaseConnectionsHigh")
    assert rule.expression.endswith(" > 80")


def test_a_rule_reads_its_own_namespace_alone() -> None:
    for rule in rules("local"):
        assert 'namespace="workflow-dashboard"' in rule.expression
        assert 'namespace="contentgen"' not in rule.expression
