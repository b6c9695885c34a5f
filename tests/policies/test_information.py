"""Contract with the SDK: the analyzer tells the engine what the SDK's own analyzer would tell of the same rules."""

from __future__ import annotations

from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer

from policies.analyzer import Analyzer
from policies.pack import RULES
from policies.sdk import policy_of

OURS = Analyzer("pack", "1.0.0", RULES)
THEIRS = _PolicyAnalyzerServicer("pack", "1.0.0", [policy_of(one) for one in RULES], EnforcementLevel.MANDATORY)


def test_what_the_engine_learns_of_the_rules_is_what_the_sdk_would_say() -> None:
    nothing = empty_pb2.Empty()
    ours, theirs = OURS.GetAnalyzerInfo(nothing, None), THEIRS.GetAnalyzerInfo(nothing, None)
    assert len(ours.policies) == len(RULES)
    assert ours == theirs
    assert OURS.GetPluginInfo(nothing, None) == THEIRS.GetPluginInfo(nothing, None)
    request = analyzer_pb2.AnalyzerStackConfigureRequest(stack="prod", tags={"a": "b"})
    assert OURS.ConfigureStack(request, None) == THEIRS.ConfigureStack(request, None)


def test_every_call_that_the_sdk_answers_is_answered() -> None:
    calls = {name for name, one in vars(analyzer_pb2_grpc.AnalyzerServicer).items() if callable(one) and name[0] != "_"}
    answered = {name for name in calls if name in vars(_PolicyAnalyzerServicer)}
    assert answered
    assert {name for name in answered if name not in vars(Analyzer)} == set()
