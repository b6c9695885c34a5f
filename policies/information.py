"""Information on the rules for the engine: names, levels, severities, sources, and what a configuration may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from google.protobuf import json_format
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import Severity

from policies.exemptions import KEY, SCHEMA
from policies.rule import Rule, StackRule

SEVERITIES: Final[Mapping[Severity, analyzer_pb2.PolicySeverity.ValueType]] = {
    Severity.LOW: analyzer_pb2.POLICY_SEVERITY_LOW,
    Severity.MEDIUM: analyzer_pb2.POLICY_SEVERITY_MEDIUM,
    Severity.HIGH: analyzer_pb2.POLICY_SEVERITY_HIGH,
    Severity.CRITICAL: analyzer_pb2.POLICY_SEVERITY_CRITICAL,
}


def severity_of(rule: Rule) -> analyzer_pb2.PolicySeverity.ValueType:
    """The severity as the protocol has it."""
    return SEVERITIES[rule.severity]


def information(name: str, version: str, rules: Sequence[Rule]) -> analyzer_pb2.AnalyzerInfo:
    """The pack, with every rule mandatory unless a configuration says otherwise."""
    return analyzer_pb2.AnalyzerInfo(
        name=name, version=version, supportsConfig=True, policies=[_of_rule(rule) for rule in rules]
    )


def _of_rule(rule: Rule) -> analyzer_pb2.PolicyInfo:
    found = analyzer_pb2.PolicyInfo(
        name=rule.name,
        description=rule.says,
        enforcementLevel=analyzer_pb2.MANDATORY,
        displayName=rule.id,
        policy_type=_type_of(rule),
        severity=severity_of(rule),
        framework=analyzer_pb2.PolicyComplianceFramework(name=rule.source, reference=rule.id),
        remediation_steps=rule.fix,
        url=rule.page,
    )
    schema = {**{one.name: one.schema() for one in rule.tunables}, KEY: SCHEMA}
    json_format.ParseDict(schema, found.configSchema.properties)
    return found


def _type_of(rule: Rule) -> analyzer_pb2.PolicyType.ValueType:
    of_stack = isinstance(rule, StackRule)
    return analyzer_pb2.POLICY_TYPE_STACK if of_stack else analyzer_pb2.POLICY_TYPE_RESOURCE
