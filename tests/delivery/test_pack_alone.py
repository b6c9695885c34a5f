"""The pack by itself, in the real engine, on exported states: no program, no cloud, no login."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from localcloud.toolchain.origin import ensure
from ops.base_pack import base_pack
from ops.report.events import BASE_PACK
from policies.examples import COMPLIANT
from policies.pack import RULES
from policies.rule import Break, Resource, ResourceRule, Rule, StackRule
from policies.testing import Pack, broken
from tests.delivery.state import write
from tests.policies.conftest import CONFIG

STACK_RULES = [rule for rule in RULES if isinstance(rule, StackRule)]


@dataclass(frozen=True)
class Found:
    """Findings that the engine showed."""

    code: int
    errors: str
    findings: list[tuple[str, str, str]]
    """Rule, level, message."""
    packs: list[str]
    """The pack of each."""


@dataclass(frozen=True)
class Alone:
    """The pack in a folder that holds nothing else of the project."""

    folder: Path
    command: Path

    def analyze(
        self, stack: Mapping[str, Resource], config: Mapping[str, object] = CONFIG, beside: Sequence[str] = ()
    ) -> Found:
        state = write(self.folder / "state.json", stack.values())
        settings = self.folder / "config.json"
        settings.write_text(json.dumps(config))
        arguments = ["policy", "analyze", "--json", "--file", str(state)]
        arguments += ["--policy-pack", str(self.folder / "policies"), "--policy-pack-config", str(settings), *beside]
        environment = {
            "PATH": f"{self.command.parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(
            [str(self.command), *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        said = [event["policyEvent"] for event in events if "policyEvent" in event]
        return Found(
            done.returncode,
            done.stderr,
            [(one["policyName"], one["enforcementLevel"], one["message"].strip()) for one in said],
            [one["policyPackName"] for one in said],
        )


@pytest.fixture(scope="module")
def alone(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Alone:
    folder = tmp_path_factory.mktemp("alone")
    shutil.copytree(root / "policies", folder / "policies", ignore=shutil.ignore_patterns("__pycache__", "config"))
    (folder / ".venv").symlink_to(sys.prefix)
    return Alone(folder, Path(ensure(print).engine.command))


@pytest.mark.requirement("S05")
def test_the_pack_of_a_base_judges_beside_the_heads_and_stops_nothing(alone: Alone, root: Path, tmp_path: Path) -> None:
    """The head took the rule's teeth; the base's own says so all the same."""
    beside = base_pack(root, "prod", tmp_path / "base-pack")
    toothless = {**CONFIG, "scale-limits": {"instances": {"cpm": 99}}}
    found = alone.analyze(broken(COMPLIANT, Break("autoscaler", "/spec/maxReplicas", 50)), toothless, beside)
    told = [(pack, one) for pack, one in zip(found.packs, found.findings, strict=True) if one[0] == "scale-limits"]
    assert [(pack, level) for pack, (_, level, _) in told] == [(BASE_PACK, "advisory")], found.errors
    by_base = {one[1] for pack, one in zip(found.packs, found.findings, strict=True) if pack == BASE_PACK}
    assert by_base == {"advisory"}


@pytest.mark.requirement("S05")
def test_the_pack_runs_on_an_exported_state_without_the_project(alone: Alone) -> None:
    found = alone.analyze(COMPLIANT)
    assert (found.code, found.findings) == (0, []), found.errors


@pytest.mark.requirement("Y04")
@pytest.mark.requirement("Y05")
def test_every_resource_rule_rejects_a_resource_that_no_other_one_does_in_one_run(alone: Alone) -> None:
    """Seeded bad resources, one a rule, beside the compliant stack."""
    seeds = {rule.name: _seed(rule) for rule in RULES if isinstance(rule, ResourceRule)}
    found = alone.analyze({**COMPLIANT, **seeds})
    assert found.code != 0
    names = {rule.name for rule in RULES if isinstance(rule, ResourceRule)}
    for name in seeds:
        rejecting = {
            rule for rule, _, message in found.findings if message.startswith(f"seed-{name}:") and rule in names
        }
        assert rejecting == {name}
    assert {level for rule, level, _ in found.findings if rule in names} == {"mandatory"}


@pytest.mark.parametrize("rule", STACK_RULES, ids=lambda rule: rule.name)
def test_every_stack_rule_rejects_a_stack_that_no_other_rule_does(alone: Alone, rule: StackRule) -> None:
    change = _alone(rule)
    found = alone.analyze(broken(COMPLIANT, change))
    assert found.code != 0
    assert {(name, level) for name, level, _ in found.findings} == {(rule.name, "mandatory")}, found.errors


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"scale-limit": {"enforcementLevel": "mandatory"}}, "scale-limit: there is no such rule; did you mean"),
        ({"scale-limits": {"storageGB": 1}}, "scale-limits.storageGB: there is no such key; did you mean storageGb?"),
        ({"scale-limits": {"storageGb": "much"}}, "storageGb"),
    ],
)
def test_the_engine_stops_at_a_wrong_configuration_with_the_key(
    alone: Alone, config: Mapping[str, object], told: str
) -> None:
    found = alone.analyze(COMPLIANT, config)
    assert found.code != 0
    assert told in found.errors


def test_an_exemption_is_told_by_the_engine_and_lets_the_stack_pass(alone: Alone) -> None:
    urn = COMPLIANT["autoscaler"].urn
    expires = (datetime.now(UTC).date() + timedelta(days=90)).isoformat()
    exemption = {"resource": urn, "owner": "platform", "reason": "the fair", "expires": expires}
    config = {**CONFIG, "scale-limits": {**CONFIG["scale-limits"], "exemptions": [exemption]}}
    found = alone.analyze(broken(COMPLIANT, Break("autoscaler", "/spec/maxReplicas", 11)), config)
    assert found.code == 0, found.errors
    ((rule, level, message),) = found.findings
    assert (rule, level) == ("scale-limits", "advisory")
    assert f"exempt until {expires} by platform" in message


def test_a_pack_that_does_not_load_stops_the_run(alone: Alone) -> None:
    rules = alone.folder / "policies" / "pack.py"
    before = rules.read_text()
    rules.write_text(f"{before}\nraise RuntimeError('a mistake in the pack')\n")
    try:
        found = alone.analyze(COMPLIANT)
    finally:
        rules.write_text(before)
    assert found.code != 0
    assert found.findings == []
    assert "policy pack" in found.errors


def _alone(rule: Rule) -> Break:
    """A change of the rule's own that no other rule refuses."""
    pack = Pack(RULES, CONFIG)
    return next(
        change
        for change in rule.breaks
        if {one.rule for one in pack.findings(broken(COMPLIANT, change).values())} == {rule.name}
    )


def _seed(rule: Rule) -> Resource:
    change = _alone(rule)
    bad = broken(COMPLIANT, change)[change.of]
    name = f"seed-{rule.name}"
    return replace(bad, name=name, urn=f"{bad.urn.rpartition('::')[0]}::{name}")
