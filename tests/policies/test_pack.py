"""The pack as a whole: every stack passes it, at preview too, and each stack gets the level of its environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.policy_config import LEVELS, policy_config
from infra.settings import Environment
from infra.stackfile import read
from policies.pack import NAME, RULES
from tests.policies.analyzer import Analyzer, Finding
from tests.unit.program import STACKS, declared

BEYOND = {"spec": {"scaleTargetRef": {"name": "cpm"}, "maxReplicas": 11}}


def judged(root: Path, stack: str) -> list[Finding]:
    """What the pack says about everything a stack declares, before anything of it exists."""
    analyzer = Analyzer(json.loads((root / "policies" / "config" / f"{stack}.json").read_text()))
    resources = declared(stack, read(root, stack), preview=True).resources
    return [found for one in resources for found in analyzer.findings(one.type, one.inputs, one.name)]


@pytest.mark.requirement("Y01")
@pytest.mark.requirement("Y02")
@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_passes_at_preview_and_no_rule_meets_a_value_it_cannot_know(root: Path, stack: str) -> None:
    assert judged(root, stack) == []


@pytest.mark.parametrize("stack", STACKS)
def test_a_violation_has_the_level_of_its_environment(root: Path, stack: str) -> None:
    settings = read(root, stack)
    (finding,) = Analyzer(policy_config(settings)).findings("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", BEYOND)
    assert finding.level == LEVELS[settings.environment]


def test_only_dev_is_advised_and_every_other_environment_is_stopped() -> None:
    assert {environment for environment, level in LEVELS.items() if level != "mandatory"} == {Environment.DEV}
    assert set(LEVELS) == set(Environment)


def test_without_a_configuration_rules_are_mandatory() -> None:
    (finding,) = Analyzer({}).findings("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", BEYOND)
    assert finding.level == "mandatory"


def test_a_configuration_names_only_rules_of_the_pack_and_properties_they_have(root: Path) -> None:
    schemas = {rule.name: set(rule.config_schema.properties) for rule in RULES if rule.config_schema is not None}
    for stack in STACKS:
        for rule, values in policy_config(read(root, stack)).items():
            assert set(values) - {"enforcementLevel"} <= schemas[rule]


def test_every_rule_says_how_bad_it_is_and_what_to_do() -> None:
    assert NAME == "contentgen"
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.severity is not None
        assert rule.remediation_steps
        assert rule.description.endswith(".")
