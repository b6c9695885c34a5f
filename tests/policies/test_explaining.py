"""Explanation of a resource: every rule that reads it, with its result and why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pulumi_policy.proxy import unknown_checking_proxy

from policies.examples import COMPLIANT
from policies.explaining import Explained, Result, explain
from policies.pack import RULES
from policies.reading import Properties
from policies.rule import Break
from policies.states import resources
from policies.testing import UNKNOWN, broken, plain_object, secret
from tests.delivery.state import write
from tests.policies.conftest import CONFIG

TODAY = date(2027, 2, 1)
DEPLOYMENT = COMPLIANT["deployment"].urn
AUTOSCALER = COMPLIANT["autoscaler"].urn


def of(urn: str, *changes: Break, config: dict[str, Properties] | None = None) -> dict[str, Explained]:
    stack = dict(COMPLIANT)
    for change in changes:
        stack = broken(stack, change)
    proxied = [replace(one, properties=unknown_checking_proxy(plain_object(one.properties))) for one in stack.values()]
    return {one.rule: one for one in explain(urn, proxied, RULES, {**CONFIG, **(config or {})}, TODAY)}


def test_each_rule_that_reads_a_good_resource_is_named_with_what_it_asks_for() -> None:
    found = of(DEPLOYMENT)
    assert {one.result for one in found.values()} == {Result.PASSES}
    assert {one.name for one in RULES if one.reads("kubernetes:apps/v1:Deployment")} == set(found)
    assert found["probes"].why.startswith("Long-running containers have three probes")


def test_a_violation_is_told_in_the_rules_own_words() -> None:
    found = of(AUTOSCALER, Break("autoscaler", "/spec/maxReplicas", 11))
    assert found["scale-limits"].result is Result.VIOLATED
    assert found["scale-limits"].why == "spec.maxReplicas is 11; the limit is 10 instances of cpm"
    assert found["scale-limits"].level == "mandatory"
    assert found["autoscaler-behaviour"].result is Result.PASSES


def test_what_a_stack_rule_says_of_others_is_not_told_of_this_one() -> None:
    found = of(DEPLOYMENT, Break("backup traffic", ""))
    assert found["default-deny"].result is Result.PASSES
    assert of(COMPLIANT["backup"].urn, Break("backup traffic", ""))["default-deny"].result is Result.VIOLATED


def test_an_exemption_and_a_level_are_told() -> None:
    entry = {"resource": AUTOSCALER, "owner": "platform", "reason": "the fair", "expires": "2027-03-31"}
    excused = {**CONFIG["scale-limits"], "exemptions": [entry]}
    found = of(AUTOSCALER, Break("autoscaler", "/spec/maxReplicas", 11), config={"scale-limits": excused})
    assert found["scale-limits"].result is Result.EXCUSED
    assert "exempt until 2027-03-31 by platform: the fair" in found["scale-limits"].why
    off = of(
        AUTOSCALER, config={"all": {"enforcementLevel": "advisory"}, "scale-limits": {"enforcementLevel": "disabled"}}
    )
    assert (off["scale-limits"].result, off["autoscaler-behaviour"].level) == (Result.OFF, "advisory")


def test_a_value_that_is_not_known_yet_is_named() -> None:
    image = "/spec/template/spec/containers/0/image"
    found = of(DEPLOYMENT, Break("deployment", image, UNKNOWN))
    assert found["pinned-images"].result is Result.NOT_JUDGED
    assert ".image" in found["pinned-images"].why
    later = of(COMPLIANT["bucket policy"].urn, Break("bucket policy", "/policy", UNKNOWN))
    assert later["closed-bucket"] == Explained(
        "closed-bucket", "mandatory", Result.NOT_JUDGED, "policy is known at the update only"
    )


def test_a_urn_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LookupError, match="urn:none is no resource of the stack"):
        explain("urn:none", list(COMPLIANT.values()), RULES, CONFIG, TODAY)


def test_an_exported_state_is_read_as_what_was_declared_with_secrets_hidden(tmp_path: Path) -> None:
    hidden = broken(COMPLIANT, Break("cache", "/authToken", secret("canary")))
    state = json.loads(write(tmp_path / "state.json", hidden.values()).read_text())
    found = {one.urn: one for one in resources(state)}
    for one in hidden.values():
        read = found[one.urn]
        assert (read.type, read.name, read.protect, read.depends_on) == (
            one.type,
            one.name,
            one.protect,
            one.depends_on,
        )
    assert found[COMPLIANT["cache"].urn].properties["authToken"] == "[secret]"
    assert found[DEPLOYMENT].properties == COMPLIANT["deployment"].properties
    assert found[DEPLOYMENT].provider == COMPLIANT["deployment"].provider
    results = {one.result for urn in found for one in explain(urn, list(found.values()), RULES, CONFIG, TODAY)}
    assert results == {Result.PASSES}
