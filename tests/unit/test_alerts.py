"""Scale triggers and alert rules: each is met by an autoscaler or by an alert, and both have their figures from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from components.alert_rules import rendered
from infra.settings.environment import Environment
from infra.settings.stack import StackSettings
from ops.stack_files import read
from stacks.plan import plan
from stacks.specs.alert import AlertRule, Severity
from stacks.specs.resources import mebibytes, millicores
from stacks.specs.scale_triggers import TRIGGERS, Direction, Means, Subject
from stacks.stack_files import parse
from tests.unit.engine import RecordingEngine
from tests.unit.program import CONTENT_STACKS, Declare, declared

ABOVE, BELOW = Direction.ABOVE, Direction.BELOW


def rules(settings: StackSettings) -> list[AlertRule]:
    return [rule for group in plan("it", settings).alerts.values() for rule in group]


def settings(environment: Environment = Environment.PROD, **values: object) -> StackSettings:
    return parse(environment, {"environment": environment, "domain": "example.com", "regions": ["us-east-1"], **values})


@pytest.mark.requirement("K19")
def test_every_written_trigger_is_an_autoscalers_target_or_an_alert() -> None:
    written = {(one.source, one.subject, one.direction, one.threshold, one.seconds // 60) for one in TRIGGERS}
    assert written == {
        ("E", Subject.CPU, ABOVE, 70, 5),
        ("E", Subject.CPU, BELOW, 30, 15),
        ("E", Subject.MEMORY, ABOVE, 80, 5),
        ("E", Subject.MEMORY, BELOW, 40, 15),
        ("E", Subject.QUEUE, ABOVE, 100, 5),
        ("E", Subject.QUEUE, BELOW, 10, 5),
        ("E", Subject.QUEUE, BELOW, 10, 15),
        ("E", Subject.LATENCY, ABOVE, 2, 5),
        ("E", Subject.LATENCY, BELOW, 0.5, 15),
        ("E", Subject.ERRORS, ABOVE, 5, 5),
        ("E", Subject.ERRORS, BELOW, 0.1, 15),
        ("C", Subject.CPU, ABOVE, 70, 10),
        ("C", Subject.LATENCY, ABOVE, 1, 10),
        ("C", Subject.QUEUE, ABOVE, 100, 5),
    }


@pytest.mark.requirement("K19")
def test_autoscalers_have_their_targets_from_the_triggers(every: RecordingEngine) -> None:
    targets = {(one.subject, one.direction): one.threshold for one in TRIGGERS if one.means is Means.AUTOSCALER}
    for one in every.of("HorizontalPodAutoscaler"):
        cpu, memory = (one.at("spec", "metrics", at, "resource", "target", "averageUtilization") for at in (0, 1))
        assert (cpu, memory) == (targets[Subject.CPU, ABOVE], targets[Subject.MEMORY, ABOVE])
    for one in every.of("ScaledObject"):
        trigger = one.at("spec", "triggers", 0, "metadata")
        assert isinstance(trigger, dict)
        if "value" in trigger:
            values = [one.at("spec", "triggers", at, "metadata", "value") for at in (0, 1)]
            assert values == [f"{targets[subject, ABOVE]:g}" for subject in (Subject.CPU, Subject.MEMORY)]
            continue
        assert float(str(trigger["targetQueryValue"])) == targets[Subject.QUEUE, ABOVE]
        assert f"jobs < {targets[Subject.QUEUE, BELOW]:g} THEN 0" in str(trigger["query"])


@pytest.mark.requirement("K19")
def test_every_trigger_that_no_autoscaler_meets_stands_in_an_alert_with_its_threshold() -> None:
    everything = rules(settings())
    for trigger in TRIGGERS:
        if trigger.means is Means.ALERT:
            other_side = {ABOVE: "<=", BELOW: ">="}[trigger.direction]
            signs = (f"{trigger.direction} {trigger.threshold:g}", f"{other_side} {trigger.threshold:g}")
            holding = [rule for rule in everything if rule.for_seconds == trigger.seconds]
            assert any(sign in rule.expression for rule in holding for sign in signs), trigger


def test_every_service_has_the_alerts_that_fit_it() -> None:
    abouts = ("cpm", "im", "worker", "frontend", "postgres")
    found = {name: [rule.name for rule in rules(settings()) if rule.about == name] for name in abouts}
    assert found == {
        "cpm": [
            *("ErrorsHigh", "LatencyHigh", "LatencyRaised"),
            *("CpuAtMaximum", "MemoryAtMaximum", "CouldBeSmaller", "FiguresMissing"),
            *("HighMemoryUsage", "BackgroundTaskFailing"),
        ],
        "im": [
            *("CpuAtMaximum", "MemoryAtMaximum", "CouldBeSmaller", "FiguresMissing"),
            *("HighMemoryUsage", "BackgroundTaskFailing"),
        ],
        "worker": [
            *("QueueLong", "FiguresMissing"),
            *("HighMemoryUsage", "HighErrorRate", "LowSuccessRate", "BackgroundTaskFailing"),
        ],
        "frontend": [
            *("ErrorsHigh", "LatencyHigh", "LatencyRaised"),
            *("CpuAtMaximum", "MemoryAtMaximum", "CouldBeSmaller", "FiguresMissing", "HighMemoryUsage"),
        ],
        "postgres": ["DatabaseConnectionPoolExhausted", "JobsWithoutPartition"],
    }


def test_severities_are_the_ladders() -> None:
    assert {rule.name: rule.severity for rule in rules(settings())} == {
        "ErrorsHigh": Severity.CRITICAL,
        "LatencyHigh": Severity.HIGH,
        "LatencyRaised": Severity.WARNING,
        "CpuAtMaximum": Severity.WARNING,
        "MemoryAtMaximum": Severity.WARNING,
        "QueueLong": Severity.WARNING,
        "CouldBeSmaller": Severity.LOW,
        "FiguresMissing": Severity.HIGH,
        "HighMemoryUsage": Severity.WARNING,
        "HighErrorRate": Severity.WARNING,
        "LowSuccessRate": Severity.CRITICAL,
        "DatabaseConnectionPoolExhausted": Severity.CRITICAL,
        "CostOverrun": Severity.WARNING,
        "MonthCostHigh": Severity.HIGH,
        "RestartingAgainAndAgain": Severity.HIGH,
        "BackgroundTaskFailing": Severity.WARNING,
        "JobsWithoutPartition": Severity.WARNING,
    }


def test_upkeep_has_the_thresholds_and_times_that_its_runbook_says() -> None:
    upkeep = {rule.name: rule for rule in plan("it", settings()).alerts["upkeep"]}
    assert upkeep["BackgroundTaskFailing"].expression.endswith("[10m]))) > 3")
    assert upkeep["BackgroundTaskFailing"].for_seconds == 0
    assert upkeep["JobsWithoutPartition"].expression.endswith(" > 0")
    assert upkeep["JobsWithoutPartition"].for_seconds == 26 * 3600


def test_a_bigger_maximum_moves_the_alert_and_another_environment_what_is_usual() -> None:
    def expression(stack: StackSettings, name: str) -> str:
        return next(rule.expression for rule in rules(stack) if (rule.name, rule.about) == (name, "cpm"))

    assert ">= 7" in expression(settings(services={"cpm": {"maximum": 7}}), "CpuAtMaximum")
    assert "> 2\n" in expression(settings(services={"cpm": {"minimum": 4}}), "CouldBeSmaller")
    assert "> 1\n" in expression(settings(Environment.DEV), "CouldBeSmaller")


@pytest.mark.parametrize("stack", CONTENT_STACKS)
def test_no_two_rules_are_the_same_alert_about_the_same_thing(root: Path, stack: str) -> None:
    counted = Counter((rule.name, rule.about) for rule in rules(read(root, stack)))
    assert [key for key, count in counted.items() if count > 1] == []


def test_every_region_has_the_rules_and_reads_the_pods_they_are_about(each: RecordingEngine) -> None:
    regions = {one.provider for one in each.of("core/v1:Namespace")}
    for kind in ("PrometheusRule", "PodMonitor"):
        assert {one.provider for one in each.of(f"v1:{kind}")} == regions
    for monitor in each.of("v1:PodMonitor"):
        assert monitor.at("spec", "selector", "matchExpressions", 0, "values") == ["cpm", "im", "worker", "frontend"]
        assert monitor.at("spec", "podTargetLabels") == ["app.kubernetes.io/name"]
        assert monitor.at("spec", "podMetricsEndpoints") == [
            {"port": "http", "path": "/metrics", "interval": "30s", "honorLabels": True}
        ]


def test_a_cluster_without_the_operator_gets_neither_rules_nor_monitors() -> None:
    engine = declared("dev", settings(Environment.DEV, alerts={"operator": False}))
    assert engine.of("PrometheusRule") + engine.of("PodMonitor") == []


def test_rules_and_monitors_carry_the_labels_that_the_clusters_prometheus_selects_by() -> None:
    engine = declared("dev", settings(Environment.DEV, alerts={"labels": {"release": "monitoring"}}))
    for kind in ("PrometheusRule", "PodMonitor"):
        assert engine.one(f"v1:{kind}").at("metadata", "labels", "release") == "monitoring"


@pytest.mark.parametrize("stack", CONTENT_STACKS)
def test_every_alert_has_its_section_in_a_runbook(root: Path, stack: str) -> None:
    for rule in rules(read(root, stack)):
        page, _, section = rule.runbook.partition("#")
        titles = [line[3:] for line in (root / page).read_text().splitlines() if line.startswith("## ")]
        assert rule.name in titles and section == rule.name.lower(), rule.runbook


def test_the_page_of_alerts_lists_every_alert_with_its_severity(root: Path) -> None:
    page = (root / "docs/runbooks/README.md").read_text()
    listed = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| [")]
    most: dict[str, Severity] = {}
    for rule in (*rules(settings()), *rules(settings(Environment.DEV))):
        most[rule.name] = min(most.get(rule.name, rule.severity), rule.severity, key=list(Severity).index)
    assert {name.strip().split("]")[0][1:]: severity.strip() for name, severity in listed} == most


def test_a_rule_is_rendered_as_prometheus_takes_it() -> None:
    rule = AlertRule("Name", "cpm", "up == 0", 90, Severity.HIGH, "summary", "description", "page.md#name")
    assert rendered({"group": (rule, replace(rule, name="Other"))})["groups"] == [
        {
            "name": "group",
            "interval": "30s",
            "rules": [
                {
                    "alert": name,
                    "expr": "up == 0",
                    "for": "90s",
                    "labels": {"severity": "high", "service": "cpm"},
                    "annotations": {"summary": "summary", "description": "description", "runbook": "page.md#name"},
                }
                for name in ("Name", "Other")
            ],
        }
    ]


def test_a_percentage_is_of_what_the_pods_request(declare: Declare) -> None:
    prod = rules(settings())
    for one in declare("prod").of("Deployment"):
        asked = one.at("spec", "template", "spec", "containers", 0, "resources", "requests")
        assert isinstance(asked, dict)
        parts = {
            "CpuAtMaximum": f"/ {millicores(str(asked['cpu'])) / 10:g} >",
            "MemoryAtMaximum": f"/ {mebibytes(str(asked['memory'])) * 2**20} >",
        }
        for rule in prod:
            if rule.about == one.at("metadata", "name") and rule.name in parts:
                assert parts[rule.name] in rule.expression
