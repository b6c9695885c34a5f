"""Exemptions: told in every run, gone after their day, and a fault when they excuse nothing."""

from __future__ import annotations

from datetime import date

import pytest
from google.protobuf import json_format
from pulumi.runtime.proto import analyzer_pb2

from policies.analyzer import Analyzer
from policies.configuration import ConfigurationError
from policies.examples import COMPLIANT
from policies.pack import RULES
from policies.rule import Break
from policies.testing import UNKNOWN, Finding, Pack, broken, request_of
from tests.policies.conftest import CONFIG

BEYOND = broken(COMPLIANT, Break("autoscaler", "/spec/maxReplicas", 11)).values()
LAST_DAY = date(2027, 3, 31)
ENTRY = """
- rule: scale-limits
  stacks: [prod]
  resource: cpm-horizontalpodautoscaler
  type: kubernetes:autoscaling/v2:HorizontalPodAutoscaler
  owner: platform
  reason: the fair in March needs more
  expires: 2027-03-31
"""


NAME = "cpm-horizontalpodautoscaler"
TYPE = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
ENTRIES = {"resource": NAME, "type": TYPE, "owner": "platform", "reason": "the fair", "expires": "2027-03-31"}


def pack(today: date, *entries: dict[str, str], level: str = "mandatory", rule: str = "scale-limits") -> Pack:
    of_rule = {**CONFIG.get(rule, {}), "enforcementLevel": level, "exemptions": list(entries)}
    return Pack(RULES, {**CONFIG, rule: of_rule}, today)


def run(today: date, resource: str = NAME, stack: object = None) -> list[Finding]:
    found = pack(today, {**ENTRIES, "resource": resource})
    return found.findings(BEYOND if stack is None else COMPLIANT.values())


@pytest.mark.requirement("Y06")
def test_an_exemption_in_force_lets_the_resource_pass_and_is_told_with_owner_reason_and_day() -> None:
    finding, ending = run(LAST_DAY)
    assert (finding.rule, finding.level) == ("scale-limits", "advisory")
    assert finding.exempt
    assert "exempt until 2027-03-31 by platform: the fair" in finding.message
    assert "spec.maxReplicas is 11" in finding.message
    assert ending.exempt and "ends in 0 days, on 2027-03-31" in ending.message


@pytest.mark.requirement("Y06")
def test_the_day_after_it_excuses_nothing_and_is_itself_a_fault() -> None:
    found = run(date(2027, 4, 1))
    assert {one.level for one in found} == {"mandatory"}
    told = " ".join(one.message for one in found)
    assert "spec.maxReplicas is 11" in told
    assert "expired on 2027-03-31" in told


@pytest.mark.requirement("Y06")
def test_one_that_excuses_nothing_is_a_fault() -> None:
    (finding,) = run(date(2027, 2, 1), stack="compliant")
    assert finding.level == "mandatory"
    assert "excuses nothing any more" in finding.message


def test_one_for_another_resource_excuses_nothing() -> None:
    assert {one.level for one in run(LAST_DAY, resource="im-horizontalpodautoscaler")[:-1]} == {"mandatory"}


def test_a_second_run_of_the_same_process_counts_anew() -> None:
    pack_ = pack(date(2027, 2, 1), ENTRIES)
    assert pack_.findings(BEYOND)[0].exempt
    assert "excuses nothing" in pack_.findings(COMPLIANT.values())[0].message


@pytest.mark.requirement("Y06")
def test_a_resource_of_the_same_name_and_another_type_is_not_excused() -> None:
    (found, *_) = pack(date(2027, 2, 1), {**ENTRIES, "type": "aws:rds/instance:Instance"}).findings(BEYOND)
    assert (found.level, found.exempt) == ("mandatory", False)


@pytest.mark.requirement("Y06")
def test_one_by_urn_needs_no_type() -> None:
    urn = COMPLIANT["autoscaler"].urn
    by_urn = {key: value for key, value in {**ENTRIES, "resource": urn}.items() if key != "type"}
    (found,) = pack(date(2027, 2, 1), by_urn).findings(BEYOND)
    assert found.exempt


@pytest.mark.requirement("Y06")
@pytest.mark.parametrize(("expires", "allowed"), [("2027-07-31", True), ("2027-08-01", False), ("9999-12-31", False)])
def test_an_exemption_lasts_180_days_at_most(expires: str, allowed: bool) -> None:
    found = pack(date(2027, 2, 1), {**ENTRIES, "expires": expires}).findings(BEYOND)
    assert [one.exempt for one in found] == ([True] if allowed else [False, False])
    assert allowed or "within 180 days" in found[1].message


@pytest.mark.requirement("Y06")
@pytest.mark.parametrize(("today", "warned"), [(date(2027, 3, 1), True), (date(2027, 2, 28), False)])
def test_every_run_warns_thirty_days_ahead(today: date, warned: bool) -> None:
    told = [one.message for one in pack(today, ENTRIES).findings(BEYOND)]
    assert any("ends in 30 days, on 2027-03-31" in one for one in told) == warned


@pytest.mark.requirement("Y06")
def test_a_star_is_refused_for_a_rule_that_stops_the_update_and_taken_for_one_that_advises() -> None:
    with pytest.raises(ConfigurationError, match="without \\*"):
        pack(LAST_DAY, {**ENTRIES, "resource": "cpm-*"})
    found = pack(date(2027, 2, 1), {**ENTRIES, "resource": "cpm-*"}, level="advisory").findings(BEYOND)
    assert [one.exempt for one in found] == [True]


@pytest.mark.requirement("Y06")
def test_one_that_a_preview_cannot_judge_is_not_called_for_nothing() -> None:
    entry = {**ENTRIES, "resource": "backup-bucket-policy", "type": "aws:s3/bucketPolicy:BucketPolicy"}
    judged = pack(date(2027, 2, 1), entry, rule="closed-bucket")
    preview = broken(COMPLIANT, Break("bucket policy", "/policy", UNKNOWN)).values()
    update = broken(COMPLIANT, Break("bucket policy", "/policy", '{"Statement": []}')).values()
    assert judged.findings(preview) == []
    assert [one.exempt for one in judged.findings(update) if one.rule == "closed-bucket"] == [True]
    image = pack(
        date(2027, 2, 1),
        {**ENTRIES, "resource": "cpm-deployment", "type": "kubernetes:apps/v1:Deployment"},
        rule="pinned-images",
    )
    unknown = broken(COMPLIANT, Break("deployment", "/spec/template/spec/containers/0/image", UNKNOWN)).values()
    assert [one.skipped for one in image.findings(unknown)] == [True]


@pytest.mark.requirement("Y06")
def test_of_two_that_overlap_the_longer_one_excuses_and_neither_is_for_nothing() -> None:
    renewed = {**ENTRIES, "expires": "2027-06-30", "reason": "the fair was moved"}
    (found,) = pack(date(2027, 2, 1), ENTRIES, renewed).findings(BEYOND)
    assert "exempt until 2027-06-30" in found.message


@pytest.mark.requirement("Y06")
@pytest.mark.parametrize(("level", "told"), [("advisory", ["advisory"]), ("disabled", [])])
def test_a_fault_of_an_exemption_has_the_level_of_its_rule(level: str, told: list[str]) -> None:
    assert [one.level for one in pack(date(2027, 4, 1), ENTRIES, level=level).findings(COMPLIANT.values())] == told


@pytest.mark.requirement("Y06")
def test_the_stack_as_a_whole_is_exempted_by_its_type() -> None:
    entry = {**ENTRIES, "resource": "the stack", "type": "pulumi:pulumi:Stack"}
    without = broken(COMPLIANT, Break("budget", "")).values()
    (found,) = pack(date(2027, 2, 1), entry, rule="budget").findings(without)
    assert found.exempt


def test_a_remedy_leaves_an_exempted_resource_as_it_is() -> None:
    analyzer = Analyzer("pack", "1.0.0", RULES, date(2027, 2, 1))
    configure = analyzer_pb2.ConfigureAnalyzerRequest()
    one = configure.policyConfig["scheduled-jobs"]
    one.enforcementLevel = analyzer_pb2.REMEDIATE
    bad = broken(COMPLIANT, Break("backup", "/spec/concurrencyPolicy", "Allow"))["backup"]
    analyzer.Configure(configure, None)
    assert analyzer.Remediate(request_of(bad), None).remediations
    entry = {**ENTRIES, "resource": bad.name, "type": bad.type}
    json_format.ParseDict({"exemptions": [entry]}, one.properties)
    analyzer.Configure(configure, None)
    assert not analyzer.Remediate(request_of(bad), None).remediations
