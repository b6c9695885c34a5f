"""The pack as a whole: every stack passes it, at preview too, and each stack gets the level of its environment."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
import yaml

from infra.settings.errors import SettingsError
from infra.settings.exemptions import EXEMPTIONS, exemptions, parse
from infra.settings.stack import Environment
from ops.stack_files import read
from policies.configuration import ConfigurationError, check
from policies.examples import COMPLIANT
from policies.pack import AREAS, NAME, RULES, VERSION
from policies.rule import Break
from policies.sdk import policy_of
from policies.testing import Finding, Pack, broken
from stacks.policy_config import LEVELS, policy_config
from tests.policies.declared import resources
from tests.policies.test_exemptions import ENTRY, LAST_DAY, TYPE
from tests.policies.test_exemptions import NAME as RESOURCE
from tests.unit.program import STACKS

BEYOND = Break("autoscaler", "/spec/maxReplicas", 11)


@cache
def found_in(root: Path, stack: str) -> tuple[Finding, ...]:
    """Findings of the pack on everything a stack declares, before anything of it exists."""
    config = json.loads((root / "policies" / "config" / f"{stack}.json").read_text())
    return tuple(Pack(RULES, config).findings(resources(root, stack)))


@pytest.fixture(params=STACKS)
def judged(root: Path, request: pytest.FixtureRequest) -> tuple[str, tuple[Finding, ...]]:
    """Each stack with what the pack says of it."""
    return request.param, found_in(root, request.param)


@pytest.mark.requirement("Y01")
@pytest.mark.requirement("Y02")
@pytest.mark.requirement("Y03")
@pytest.mark.requirement("Y04")
@pytest.mark.requirement("Y05")
def test_no_stack_breaks_a_rule(judged: tuple[str, tuple[Finding, ...]]) -> None:
    stack, found = judged
    assert found == (), stack


def test_no_rule_meets_a_value_that_a_preview_cannot_know(judged: tuple[str, tuple[Finding, ...]]) -> None:
    """It would turn advisory then, whatever its level."""
    assert [one for one in judged[1] if one.skipped] == []


@pytest.mark.requirement("Y02")
@pytest.mark.parametrize(
    ("stack", "instances", "connections", "memory", "storage"),
    [
        ("prod", {"cpm": 10, "im": 5}, 200, "2Gi", 100),
        ("workflow-dashboard-prod", {"backend": 3, "frontend": 4}, 100, "2Gi", 100),
        ("blog-ai-prod", {"blog-ai": 10}, 200, "2Gi", 100),
        ("recipe-app-prod", {"recipe-backend": 10, "ai-generation": 10, "video-processor": 3}, 200, "2Gi", 250),
        ("video-gateway-prod", {"comfyui-gateway": 10, "frontend": 5}, 100, "4Gi", 250),
    ],
)
def test_the_pack_is_told_the_limits_of_the_stacks_own_product(
    root: Path, stack: str, instances: dict[str, int], connections: int, memory: str, storage: int
) -> None:
    told = policy_config(read(root, stack))["scale-limits"]
    assert instances.items() <= told["instances"].items()
    assert (told["databaseConnections"], told["memory"], told["storageGb"]) == (connections, memory, storage)


@pytest.mark.requirement("Y06")
@pytest.mark.parametrize("stack", STACKS)
def test_a_violation_has_the_level_of_its_environment(root: Path, stack: str) -> None:
    settings = read(root, stack)
    found = Pack(RULES, policy_config(settings)).findings(broken(COMPLIANT, BEYOND).values())
    (level,) = {one.level for one in found if one.rule == "scale-limits"}
    assert level == LEVELS[settings.environment]


@pytest.mark.requirement("Y06")
def test_only_dev_is_advised_and_every_other_environment_is_stopped() -> None:
    assert {environment for environment, level in LEVELS.items() if level != "mandatory"} == {Environment.DEV}
    assert set(LEVELS) == set(Environment)


def test_without_a_configuration_every_rule_is_mandatory() -> None:
    found = Pack(RULES).findings(broken(COMPLIANT, BEYOND).values())
    assert {one.level for one in found} == {"mandatory"}


@pytest.mark.parametrize("stack", STACKS)
def test_the_configuration_of_a_stack_is_one_that_the_pack_takes(root: Path, stack: str) -> None:
    config = policy_config(read(root, stack), exemptions(root, stack))
    check(RULES, config)
    with pytest.raises(ConfigurationError, match="no-such-rule"):
        check(RULES, {**config, "no-such-rule": "mandatory"})


def test_the_version_that_the_engine_reads_is_the_packs(root: Path) -> None:
    project = yaml.safe_load((root / "policies" / "PulumiPolicy.yaml").read_text())
    assert project["version"] == VERSION
    assert NAME == "contentgen"


def test_every_rule_tells_the_engine_how_bad_it_is_what_to_do_and_where_to_read_on() -> None:
    for rule in RULES:
        policy = policy_of(rule)
        assert policy.severity is not None
        assert policy.framework is not None
        assert policy.remediation_steps == rule.fix
        assert policy.url == f"docs/policies/{rule.name}.md"
        assert policy.display_name == rule.id


def test_every_area_of_the_catalogue_has_rules() -> None:
    prefixes = {one.id[:3] for one in RULES}
    assert prefixes == {"HDR", "SCL", "WRK", "DAT", "CST", "RES", "MRG", "SUP"}
    assert sum(len(rules) for rules in AREAS.values()) == len(RULES)


def test_the_file_of_exemptions_can_be_read(root: Path) -> None:
    for stack in STACKS:
        assert all(stack in one.stacks for one in exemptions(root, stack))
    assert (root / EXEMPTIONS).exists()


def test_the_file_reaches_the_configuration_of_its_stacks_only(root: Path) -> None:
    (entry,) = parse(ENTRY)
    assert entry.expires == LAST_DAY
    config = policy_config(read(root, "prod"), (entry,))
    assert config["scale-limits"]["exemptions"] == [
        {
            "resource": RESOURCE,
            "type": TYPE,
            "owner": "platform",
            "reason": "the fair in March needs more",
            "expires": "2027-03-31",
        }
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (ENTRY.replace("owner: platform", "owner: ''"), "owner"),
        (ENTRY.replace("  expires: 2027-03-31\n", ""), "expires"),
        (ENTRY.replace("2027-03-31", "soon"), "expires"),
        (ENTRY.replace("reason: the fair in March needs more", "reason: todo"), "reason"),
        (ENTRY.replace("resource:", "resources:"), "resources"),
        ("- [", "policies/exemptions.yaml"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_field(wrong: str, told: str) -> None:
    with pytest.raises(SettingsError, match="exemptions") as caught:
        parse(wrong)
    assert told in str(caught.value)
