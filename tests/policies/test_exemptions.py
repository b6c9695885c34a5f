"""Exemptions: told in every run, gone after their day, and a fault when they excuse nothing."""

from __future__ import annotations

from datetime import date

import pytest

from infra.errors import SettingsError
from infra.exemptions import parse
from infra.policy_config import policy_config
from infra.settings import StackSettings
from policies.examples import COMPLIANT
from policies.pack import RULES
from policies.rule import Break
from policies.testing import Finding, Pack, broken
from tests.policies.conftest import CONFIG

BEYOND = broken(COMPLIANT, Break("autoscaler", "/spec/maxReplicas", 11)).values()
LAST_DAY = date(2027, 3, 31)
ENTRY = """
- rule: scale-limits
  stacks: [prod]
  resource: cpm-*
  owner: platform
  reason: the fair in March needs more
  expires: 2027-03-31
"""


def run(today: date, resource: str = "cpm-*", stack: object = None) -> list[Finding]:
    exemption = {"resource": resource, "owner": "platform", "reason": "the fair", "expires": "2027-03-31"}
    config = {**CONFIG, "scale-limits": {**CONFIG["scale-limits"], "exemptions": [exemption]}}
    return Pack(RULES, config, today).findings(BEYOND if stack is None else COMPLIANT.values())


@pytest.mark.requirement("Y06")
def test_an_exemption_in_force_lets_the_resource_pass_and_is_told_with_owner_reason_and_day() -> None:
    (finding,) = run(LAST_DAY)
    assert (finding.rule, finding.level) == ("scale-limits", "advisory")
    assert finding.exempt
    assert "exempt until 2027-03-31 by platform: the fair" in finding.message
    assert "spec.maxReplicas is 11" in finding.message


@pytest.mark.requirement("Y06")
def test_the_day_after_it_excuses_nothing_and_is_itself_a_fault() -> None:
    found = run(date(2027, 4, 1))
    assert {one.level for one in found} == {"mandatory"}
    told = " ".join(one.message for one in found)
    assert "spec.maxReplicas is 11" in told
    assert "expired on 2027-03-31" in told


@pytest.mark.requirement("Y06")
def test_one_that_excuses_nothing_is_a_fault() -> None:
    (finding,) = run(LAST_DAY, stack="compliant")
    assert finding.level == "mandatory"
    assert "excuses nothing any more" in finding.message


def test_one_for_another_resource_excuses_nothing() -> None:
    assert {one.level for one in run(LAST_DAY, resource="im-*")} == {"mandatory"}


def test_a_second_run_of_the_same_process_counts_anew() -> None:
    exemption = {"resource": "cpm-*", "owner": "platform", "reason": "the fair", "expires": "2027-03-31"}
    pack = Pack(RULES, {**CONFIG, "scale-limits": {**CONFIG["scale-limits"], "exemptions": [exemption]}}, LAST_DAY)
    assert pack.findings(BEYOND)[0].exempt
    assert "excuses nothing" in pack.findings(COMPLIANT.values())[0].message


def test_the_file_reaches_the_configuration_of_its_stacks_only(prod: StackSettings) -> None:
    (entry,) = parse(ENTRY)
    assert entry.expires == LAST_DAY
    config = policy_config(prod, (entry,))
    assert config["scale-limits"]["exemptions"] == [
        {
            "resource": "cpm-*",
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
