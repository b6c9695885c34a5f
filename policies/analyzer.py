"""The pack as the engine talks to it: the SDK's analyzer, with what that lacks.

A resource is decoded once instead of once a rule; a wrong configuration is refused; a rule that fails names itself, the
resource and the error, and counts as violated; stack rules see resources as declared, not as a preview guesses them;
exemptions are applied and reported. What a rule says when it meets a value that a preview cannot know stays the SDK's
own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.proxy import UnknownValueError
from pulumi_policy.version import VERSION

from policies.configuration import LEVEL, ConfigurationError, check
from policies.decoding import decoded
from policies.exemptions import KEY, Ledger, read
from policies.information import information, severity_of
from policies.kinds import canonical, is_list, normalised
from policies.reading import Properties, mapping, noting
from policies.rule import Judged, NotRun, ResourceRule, Rule, StackRule, Violation
from policies.rule import Resource as Declared
from policies.sdk import Mending
from policies.tunables import Settings

EXEMPT: Final = "[exempt]"
"""Prefix of the message of an excused violation; it is advisory whatever the rule's level."""

FAILED: Final = "[rule failed]"
"""Prefix of the message when a rule raised: nothing is known, so nothing is allowed."""

STACK: Final = "the stack"


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """``today`` decides which exemptions are over; tests give their own."""

    def __init__(self, name: str, version: str, rules: Sequence[Rule], today: date | None = None) -> None:
        self._rules = tuple(rules)
        self._by_name = {rule.name: rule for rule in rules}
        self._resource_rules = [rule for rule in rules if isinstance(rule, ResourceRule)]
        self._stack_rules = [rule for rule in rules if isinstance(rule, StackRule)]
        self._today = today or datetime.now(UTC).date()
        self._pack = (name, version)
        self._by_type: dict[str, tuple[ResourceRule, ...]] = {}
        self._mended: dict[str, bool] = {}
        self._read: dict[str, bool] = {}
        self._configured(analyzer_pb2.ConfigureAnalyzerRequest(), {}, {})

    def GetAnalyzerInfo(  # noqa: N802 - the protocol's name
        self, request: empty_pb2.Empty, context: grpc.ServicerContext | None
    ) -> analyzer_pb2.AnalyzerInfo:
        """The rules with everything that the engine can know of them."""
        return information(*self._pack, self._rules)

    def GetPluginInfo(  # noqa: N802 - the protocol's name
        self, request: empty_pb2.Empty, context: grpc.ServicerContext | None
    ) -> plugin_pb2.PluginInfo:
        """The version of the SDK whose protocol this is."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def ConfigureStack(  # noqa: N802 - the protocol's name
        self, request: analyzer_pb2.AnalyzerStackConfigureRequest, context: grpc.ServicerContext | None
    ) -> analyzer_pb2.AnalyzerStackConfigureResponse:
        """No rule asks which stack it is: a stack's own numbers are in its configuration."""
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Configure(  # noqa: N802 - the protocol's name
        self, request: analyzer_pb2.ConfigureAnalyzerRequest, context: grpc.ServicerContext | None
    ) -> empty_pb2.Empty:
        """Takes the configuration, or ends the run with everything that is wrong with it."""
        config = {name: json_format.MessageToDict(one.properties) for name, one in request.policyConfig.items()}
        levels = {
            name: analyzer_pb2.EnforcementLevel.Name(one.enforcementLevel).lower()
            for name, one in request.policyConfig.items()
        }
        try:
            check(self._rules, {name: {LEVEL: levels[name], **values} for name, values in config.items()})
        except ConfigurationError as error:
            if context is None:
                raise
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        self._configured(request, config, {name: EnforcementLevel(one) for name, one in levels.items()})
        return empty_pb2.Empty()

    def Remediate(  # noqa: N802 - the protocol's name
        self, request: analyzer_pb2.AnalyzeRequest, context: grpc.ServicerContext | None
    ) -> analyzer_pb2.RemediateResponse:
        """The SDK's own, for what a rule may mend; all others are answered without it."""
        if request.type not in self._mended:
            asked = any(self._asked[rule.name] is EnforcementLevel.REMEDIATE for rule in self._rules_of(request.type))
            # The SDK hands a remedy the resource as it is written, and remedies know one spelling.
            self._mended[request.type] = asked and canonical(request.type) == request.type
        if self._mending is None or not self._mended[request.type]:
            return analyzer_pb2.RemediateResponse()
        return self._mending.remediate(request)

    def _mender(self, request: analyzer_pb2.ConfigureAnalyzerRequest) -> Mending | None:
        """The SDK's remedies, where a rule has that level."""
        if EnforcementLevel.REMEDIATE not in self._asked.values():
            return None
        return Mending(self._pack, self._rules, self._excused, request)

    def Analyze(  # noqa: N802 - the protocol's name
        self, request: analyzer_pb2.AnalyzeRequest, context: grpc.ServicerContext | None
    ) -> analyzer_pb2.AnalyzeResponse:
        """Every resource rule on one resource."""
        response = analyzer_pb2.AnalyzeResponse()
        if not self._is_read(request.type):
            return response
        found = list(self._normalised(request))
        self._declared[request.urn] = found
        for resource in found:
            for rule in self._rules_of(resource.type):
                if rule.concerns(resource) and self._levels[rule.name] is not EnforcementLevel.DISABLED:
                    told = (Violation(message, resource) for message in rule.check(resource, self._settings[rule.name]))
                    response.diagnostics.extend(self._diagnostics(rule, told, resource))
        return response

    def AnalyzeStack(  # noqa: N802 - the protocol's name
        self, request: analyzer_pb2.AnalyzeStackRequest, context: grpc.ServicerContext | None
    ) -> analyzer_pb2.AnalyzeResponse:
        """Every stack rule on the whole stack, then the exemptions that should go."""
        response = analyzer_pb2.AnalyzeResponse()
        resources = [
            replace(resource, depends_on=frozenset(one.dependencies), tied=_tied(one))
            for one in request.resources
            if self._is_read(one.type)
            for resource in (self._declared.get(one.urn) or self._normalised(one))
        ]
        for rule in self._stack_rules:
            if self._levels[rule.name] is not EnforcementLevel.DISABLED:
                read_ = [one for one in resources if rule.concerns(one)]
                found = rule.check(read_, self._settings[rule.name])
                response.diagnostics.extend(self._diagnostics(rule, found, None))
        response.diagnostics.extend(self._of_exemptions())
        self._forget()
        return response

    def _of_exemptions(self) -> Iterator[analyzer_pb2.AnalyzeDiagnostic]:
        """Exemptions that should go, at their rule's level, and those that end soon."""
        for exemption, fault in self._ledger.faults():
            if self._levels[exemption.rule] is not EnforcementLevel.DISABLED:
                yield self._diagnostic(exemption.rule, fault, self._levels[exemption.rule])
        for exemption, told in self._ledger.endings():
            yield self._diagnostic(exemption.rule, f"{EXEMPT} {told}", EnforcementLevel.ADVISORY)

    def _excused(self, rule: str, resource: Declared) -> bool:
        """True if a remedy leaves a resource alone."""
        return self._ledger.excuse(rule, resource) is not None

    def _configured(
        self,
        request: analyzer_pb2.ConfigureAnalyzerRequest,
        config: Mapping[str, Properties],
        levels: Mapping[str, EnforcementLevel],
    ) -> None:
        given = {rule.name: mapping(config.get(rule.name)) for rule in self._rules}
        self._mended.clear()
        self._asked = {rule.name: levels.get(rule.name, EnforcementLevel.MANDATORY) for rule in self._rules}
        self._mending = self._mender(request)
        # What still violates after its remedy, and what has none, is held to the rule.
        self._levels = {
            name: EnforcementLevel.MANDATORY if level is EnforcementLevel.REMEDIATE else level
            for name, level in self._asked.items()
        }
        self._settings = {rule.name: Settings(rule.tunables, given[rule.name]) for rule in self._rules}
        self._exemptions = [one for name, values in given.items() for one in read(name, values.get(KEY))]
        self._forget()

    def _forget(self) -> None:
        """A run ends with its stack; the engine may use one process for a preview and the update after it."""
        self._declared: dict[str, list[Declared]] = {}
        self._ledger = Ledger(self._exemptions, self._today)

    def _rules_of(self, type_: str) -> tuple[ResourceRule, ...]:
        if type_ not in self._by_type:
            self._by_type[type_] = tuple(rule for rule in self._resource_rules if rule.reads(type_))
        return self._by_type[type_]

    def _is_read(self, type_: str) -> bool:
        """True if any rule may concern a resource of this type, or one of the objects that it lists."""
        if type_ not in self._read:
            name = canonical(type_)
            self._read[type_] = is_list(type_) or any(rule.reads(name) for rule in self._rules)
        return self._read[type_]

    def _normalised(self, request: analyzer_pb2.AnalyzeRequest | analyzer_pb2.AnalyzerResource) -> Iterator[Declared]:
        return normalised(_resource(request))

    def _diagnostics(
        self, rule: Rule, found: Iterable[Judged], of: Declared | None
    ) -> Iterator[analyzer_pb2.AnalyzeDiagnostic]:
        """Diagnostics of a rule, for one resource or for the whole stack."""
        level = self._levels[rule.name]
        with noting() as left:
            try:
                for violation in found:
                    yield self._told(rule, violation, level)
            except UnknownValueError as unknown:
                self._ledger.not_judged(rule.name, of, whole=of is None)
                yield self._not_run(rule, of.name if of else STACK, unknown.message)
            except Exception as error:  # noqa: BLE001 - whatever a rule raises, the run must end with the rule's name
                where = of.name if of else STACK
                told = f"{FAILED} {rule.name} on {where}: {type(error).__name__}: {error}"
                yield self._diagnostic(rule.name, told, EnforcementLevel.MANDATORY)
        if left:
            self._ledger.not_judged(rule.name, of, whole=of is None)

    def _told(self, rule: Rule, found: Judged, level: EnforcementLevel) -> analyzer_pb2.AnalyzeDiagnostic:
        if isinstance(found, NotRun):
            self._ledger.not_judged(rule.name, found.resource)
            return self._not_run(rule, found.resource.name, found.why)
        name = found.resource.name if found.resource else STACK
        urn = found.resource.urn if found.resource else ""
        told = f"{name}: {found.message}"
        exemption = self._ledger.excuse(rule.name, found.resource)
        if exemption:
            told = f"{EXEMPT} {told} ({exemption})"
        return self._diagnostic(rule.name, told, EnforcementLevel.ADVISORY if exemption else level, urn)

    def _not_run(self, rule: Rule, of: str, why: str) -> analyzer_pb2.AnalyzeDiagnostic:
        told = f"can't run policy '{rule.name}' on {of} during preview: {why}"
        return self._diagnostic(rule.name, told, EnforcementLevel.ADVISORY)

    def _diagnostic(
        self, rule: str, message: str, level: EnforcementLevel, urn: str = ""
    ) -> analyzer_pb2.AnalyzeDiagnostic:
        name, version = self._pack
        of = self._by_name[rule]
        return analyzer_pb2.AnalyzeDiagnostic(
            policyName=rule,
            policyPackName=name,
            policyPackVersion=version,
            description=of.says,
            message=message,
            enforcementLevel=analyzer_pb2.EnforcementLevel.Value(level.value.upper()),
            urn=urn,
            severity=severity_of(of),
        )


def _resource(request: analyzer_pb2.AnalyzeRequest | analyzer_pb2.AnalyzerResource) -> Declared:
    """A request's resource, decoded once for every rule."""
    return Declared(
        type=request.type,
        name=request.name,
        properties=decoded(request.properties),
        urn=request.urn,
        protect=request.options.protect,
        provider=request.provider.name,
    )


def _tied(one: analyzer_pb2.AnalyzerResource) -> Mapping[str, frozenset[str]]:
    """References of each property of a resource to other resources."""
    return {key: frozenset(of.urns) for key, of in one.propertyDependencies.items()}
