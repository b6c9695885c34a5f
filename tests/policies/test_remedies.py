"""Remedies: off by default; where a stack asks for them, what they leave passes the rule, and secrets stay secret."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY

import policies.analyzer
from policies.analyzer import Analyzer
from policies.examples import COMPLIANT
from policies.pack import RULES
from policies.reading import Properties, Value
from policies.rule import Break, ResourceRule
from policies.testing import UNKNOWN, broken, request_of, secret, value_at
from policies.tunables import Settings
from tests.policies.conftest import config_of, of_name

MENDED = [
    ("pod-security", Break("deployment", "/spec/template/spec/containers/0/securityContext")),
    ("pod-security", Break("backup", "/spec/jobTemplate/spec/template/spec/securityContext/runAsNonRoot", False)),
    ("no-service-account-token", Break("deployment", "/spec/template/spec/automountServiceAccountToken", True)),
    ("scheduled-jobs", Break("backup", "/spec/concurrencyPolicy", "Allow")),
    ("closed-bucket", Break("bucket public access", "/blockPublicAcls", False)),
    ("closed-bucket", Break("bucket ownership", "/rule")),
]


def remediated(rule: str, change: Break, level: str = "REMEDIATE") -> dict[str, Value] | None:
    """The properties as the engine would deploy them; None when the pack changes nothing."""
    analyzer = Analyzer("pack", "1.0.0", RULES)
    configure = analyzer_pb2.ConfigureAnalyzerRequest()
    configure.policyConfig[rule].enforcementLevel = analyzer_pb2.EnforcementLevel.Value(level)
    analyzer.Configure(configure, None)
    resource = broken(COMPLIANT, change)[change.of]
    answer = analyzer.Remediate(request_of(resource), None)
    found = [one for one in answer.remediations if one.policyName == rule]
    return json_format.MessageToDict(found[0].properties) if found else None


@pytest.mark.parametrize(("rule", "change"), MENDED)
def test_what_a_remedy_leaves_passes_its_rule(rule: str, change: Break) -> None:
    after = remediated(rule, change)
    assert after is not None
    found = of_name(rule)
    assert isinstance(found, ResourceRule)
    mended = replace(COMPLIANT[change.of], properties=after)
    assert list(found.check(mended, Settings(found.tunables, config_of(found)))) == []


@pytest.mark.parametrize("level", ["MANDATORY", "ADVISORY", "DISABLED"])
def test_no_remedy_runs_unless_the_level_asks_for_it(level: str) -> None:
    assert remediated(*MENDED[0], level) is None


@pytest.mark.parametrize(("level", "by_the_sdk"), [("MANDATORY", 0), ("REMEDIATE", 1)])
def test_a_resource_is_decoded_once_unless_a_rule_may_mend_it(
    level: str, by_the_sdk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyzer = Analyzer("pack", "1.0.0", RULES)
    configure = analyzer_pb2.ConfigureAnalyzerRequest()
    configure.policyConfig["pod-security"].enforcementLevel = analyzer_pb2.EnforcementLevel.Value(level)
    analyzer.Configure(configure, None)
    request = request_of(COMPLIANT["deployment"])
    read, decode, counted, once = json_format.MessageToDict, policies.analyzer.decoded, [], []

    def counting(message: struct_pb2.Struct) -> dict[str, object]:
        counted.append(message)
        return read(message)

    def decoding(message: struct_pb2.Struct) -> Properties:
        once.append(message)
        return decode(message)

    monkeypatch.setattr(json_format, "MessageToDict", counting)
    monkeypatch.setattr(policies.analyzer, "decoded", decoding)
    analyzer.Remediate(request, None)
    analyzer.Analyze(request, None)
    assert sum(one == request.properties for one in counted) == by_the_sdk
    assert once == [request.properties]


def test_what_needs_no_mending_is_left_alone() -> None:
    assert remediated("pod-security", Break("deployment", "/metadata/name", "cpm")) is None


def test_secrets_stay_secret_and_unknown_values_unknown() -> None:
    path = "/spec/template/spec/automountServiceAccountToken"
    with_both = broken(COMPLIANT, Break("deployment", "/metadata/annotations", {"a": secret("canary"), "b": UNKNOWN}))
    annotations = with_both["deployment"].properties["metadata"]["annotations"]  # type: ignore[index,call-overload]
    stack = broken(with_both, Break("deployment", path, True))
    analyzer = Analyzer("pack", "1.0.0", RULES)
    configure = analyzer_pb2.ConfigureAnalyzerRequest()
    configure.policyConfig["no-service-account-token"].enforcementLevel = analyzer_pb2.EnforcementLevel.Value(
        "REMEDIATE"
    )
    analyzer.Configure(configure, None)
    (answer,) = analyzer.Remediate(request_of(stack["deployment"]), None).remediations
    after = json_format.MessageToDict(answer.properties)
    assert value_at(after, path) is False
    kept = after["metadata"]["annotations"]
    assert kept == annotations
    assert kept["a"] == {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": "canary"}
