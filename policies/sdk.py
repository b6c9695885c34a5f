"""Our rules as the SDK's policies: what any other pack could include, and how the SDK mends a resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.policy import Policy, PolicyResource, _PolicyAnalyzerServicer

from policies.exemptions import KEY, SCHEMA
from policies.kinds import normalised
from policies.remedies import mended
from policies.rule import NotRun, Remedy, Resource, ResourceRule, Rule, StackRule
from policies.tunables import Settings

Excused = Callable[[str, Resource], bool]
"""True if a rule is lifted for a resource, by the rule's name."""


def policy_of(rule: Rule, excused: Excused | None = None) -> Policy:
    """The rule with everything that the SDK can say of a policy. What is ``excused`` no remedy changes."""
    schema = PolicyConfigSchema({**{one.name: one.schema() for one in rule.tunables}, KEY: SCHEMA})
    framework = PolicyComplianceFramework(name=rule.source, reference=rule.id)
    match rule:
        case ResourceRule():
            return ResourceValidationPolicy(
                rule.name,
                rule.says,
                _validate_resource(rule),
                config_schema=schema,
                display_name=rule.id,
                severity=rule.severity,
                framework=framework,
                remediation_steps=rule.fix,
                url=rule.page,
                remediate=_remedy_of(rule, rule.remedy, excused) if rule.remedy else None,
            )
        case StackRule():
            return StackValidationPolicy(
                rule.name,
                rule.says,
                _validate_stack(rule),
                config_schema=schema,
                display_name=rule.id,
                severity=rule.severity,
                framework=framework,
                remediation_steps=rule.fix,
                url=rule.page,
            )
        case _:
            raise TypeError(f"{rule.name} is neither a resource rule nor a stack rule")


class Mending:
    """The SDK's own loop over remedies. The analyzer asks it only for what a rule may mend, because it decodes
    every resource anew.
    """

    def __init__(
        self,
        pack: tuple[str, str],
        rules: Sequence[Rule],
        excused: Excused,
        configured: analyzer_pb2.ConfigureAnalyzerRequest,
    ) -> None:
        policies = [policy_of(rule, excused) for rule in rules]
        self._servicer = _PolicyAnalyzerServicer(*pack, policies, EnforcementLevel.MANDATORY)
        self._servicer.Configure(configured, None)

    def remediate(self, request: analyzer_pb2.AnalyzeRequest) -> analyzer_pb2.RemediateResponse:
        """The resource with what the remedies change, one after the other."""
        return self._servicer.Remediate(request, None)


def _validate_resource(rule: ResourceRule) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for resource in normalised(_resource(args)):
            if rule.concerns(resource):
                for message in rule.check(resource, Settings(rule.tunables, args.get_config())):
                    report(f"{resource.name}: {message}", None)

    return validate


def _validate_stack(rule: StackRule) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        read = [one for written in args.resources for one in normalised(_of_stack(written)) if rule.concerns(one)]
        for found in rule.check(read, Settings(rule.tunables, args.get_config())):
            if isinstance(found, NotRun):
                report(f"{found.resource.name}: not judged, {found.why}", found.resource.urn)
                continue
            name = found.resource.name if found.resource else "the stack"
            report(f"{name}: {found.message}", found.resource.urn if found.resource else None)

    return validate


def _remedy_of(
    rule: ResourceRule, remedy: Remedy, excused: Excused | None
) -> Callable[[ResourceValidationArgs], Awaitable[Mapping[str, object]]]:
    """Only for levels set to remediate; what a remedy leaves wrong the rule still refuses. Nothing means no change."""

    async def remediate(args: ResourceValidationArgs) -> Mapping[str, object]:
        resource = _resource(args)
        if excused is not None and excused(rule.name, resource):
            return {}
        wrong = rule.reads(resource.type) and any(rule.check(resource, Settings(rule.tunables, args.get_config())))
        return (mended(resource, remedy(resource)) if wrong else None) or {}

    return remediate


def _resource(args: ResourceValidationArgs) -> Resource:
    provider = args.provider.name if args.provider else ""
    return Resource(args.resource_type, args.name, args.props, args.urn, bool(args.opts.protect), provider)


def _of_stack(one: PolicyResource) -> Resource:
    provider = one.provider.name if one.provider else ""
    urns = frozenset(other.urn for other in one.dependencies)
    tied = {key: frozenset(other.urn for other in of) for key, of in one.property_dependencies.items()}
    return Resource(one.resource_type, one.name, one.props, one.urn, bool(one.opts.protect), provider, urns, tied)
