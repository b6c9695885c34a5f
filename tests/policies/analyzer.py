"""The pack as the engine sees it: the SDK's own analyzer, asked about one resource at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer
from pulumi_policy.proxy import UNKNOWN_NUMBER_VALUE, UNKNOWN_STRING_VALUE

from policies.pack import NAME, RULES

UNKNOWN: Final = UNKNOWN_STRING_VALUE
UNKNOWN_NUMBER: Final = UNKNOWN_NUMBER_VALUE
SKIPPED: Final = "can't run policy"
"""How the SDK begins to say that a rule touched a value that is not known yet; whatever its level, it is advisory."""


@dataclass(frozen=True)
class Finding:
    """What the engine would show."""

    rule: str
    level: str
    message: str

    @property
    def skipped(self) -> bool:
        return self.message.startswith(SKIPPED)


class Analyzer:
    """A pack with a stack's configuration, as ``--policy-pack-config`` gives it."""

    def __init__(self, config: Mapping[str, Mapping[str, object]]) -> None:
        self._servicer = _PolicyAnalyzerServicer(NAME, "1.0.0", list(RULES), EnforcementLevel.MANDATORY)
        self._servicer.Configure(_configuration(config), None)

    def findings(self, type_: str, properties: Mapping[str, object], name: str = "it") -> list[Finding]:
        """What the rules say about a resource."""
        request = analyzer_pb2.AnalyzeRequest(
            type=type_,
            name=name,
            urn=f"urn:pulumi:test::contentgen::{type_}::{name}",
            properties=json_format.ParseDict(dict(properties), struct_pb2.Struct()),
        )
        answer = self._servicer.Analyze(request, None)
        return [
            Finding(one.policyName, analyzer_pb2.EnforcementLevel.Name(one.enforcementLevel).lower(), one.message)
            for one in answer.diagnostics
        ]


def _configuration(config: Mapping[str, Mapping[str, object]]) -> analyzer_pb2.ConfigureAnalyzerRequest:
    """The engine sends JSON as a protobuf structure, in which every number is a float."""
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for rule, values in config.items():
        one = request.policyConfig[rule]
        one.enforcementLevel = analyzer_pb2.EnforcementLevel.Value(str(values["enforcementLevel"]).upper())
        json_format.ParseDict(
            {key: value for key, value in values.items() if key != "enforcementLevel"}, one.properties
        )
    return request
