"""A harness for the tests of rules, of this pack or of any project's: a rule as a function, through the SDK's proxies,
and through the analyzer that the engine talks to. Packs that are tested with plain dictionaries alone pass everything.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.analyzer import EXEMPT, Analyzer
from policies.configuration import ALL, LEVEL
from policies.kinds import normalised
from policies.reading import Properties, Value, plain
from policies.rule import GONE, Break, Gone, Judged, NotRun, Resource, ResourceRule, Rule, StackRule
from policies.tunables import Settings

UNKNOWN: Final = UNKNOWN_STRING_VALUE
SKIPPED: Final = "can't run policy"
"""Prefix of the SDK's message that a rule touched a value that is not known yet; whatever its level, it is advisory."""


@dataclass(frozen=True)
class Finding:
    """Finding of a rule as the engine would show it."""

    rule: str
    level: str
    message: str

    @property
    def skipped(self) -> bool:
        return self.message.startswith(SKIPPED)

    @property
    def exempt(self) -> bool:
        return self.message.startswith(EXEMPT)


def secret(value: Value) -> Value:
    """A value as the engine sends secrets."""
    return {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": value}


def broken(stack: Mapping[str, Resource], change: Break) -> dict[str, Resource]:
    """A stack with one change. Raises KeyError for a resource that the stack does not have."""
    if change.path == "" and change.value is GONE and change.protect is None and not change.type:
        return {name: one for name, one in stack.items() if name != change.of}
    before = stack[change.of]
    protect = before.protect if change.protect is None else change.protect
    properties = changed(before.properties, change.path, change.value) if change.path else before.properties
    after = replace(before, properties=properties, protect=protect, type=change.type or before.type)
    return {**stack, change.of: after}


def changed(properties: Properties, path: str, value: Value | Gone) -> Properties:
    """A copy of the properties with the value at a JSON pointer changed, added or taken away."""
    whole = plain_object(properties)
    *steps, last = _steps(path)
    place: Value = whole
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})  # type: ignore[union-attr]
    if isinstance(place, list):
        _change_list(place, int(last), value)
    elif isinstance(place, dict):
        if isinstance(value, Gone):
            place.pop(last, None)
        else:
            place[last] = copy.deepcopy(plain(value))
    return whole


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def value_at(properties: Properties, path: str) -> Value:
    """The value at a JSON pointer; None where there is none."""
    value: Value = properties
    for step in _steps(path):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, Sequence) and not isinstance(value, str) and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _change_list(place: list[Value], index: int, value: Value | Gone) -> None:
    if isinstance(value, Gone):
        del place[index]
    elif index == len(place):
        place.append(plain(value))
    else:
        place[index] = plain(value)


def plain_object(value: Properties) -> dict[str, Value]:
    """The same of an object."""
    return {key: plain(one) for key, one in value.items()}


def as_function(rule: Rule, stack: Iterable[Resource], config: Properties | None = None) -> list[str]:
    """Violations by a rule on plain values."""
    settings = Settings(rule.tunables, config or {})
    mine = [one for written in stack for one in normalised(written) if rule.concerns(one)]
    match rule:
        case ResourceRule():
            return [f"{one.name}: {message}" for one in mine for message in rule.check(one, settings)]
        case StackRule():
            return [_said(one) for one in rule.check(mine, settings)]
        case _:
            raise TypeError(f"{rule.name} is neither a resource rule nor a stack rule")


def _said(one: Judged) -> str:
    name = one.resource.name if one.resource else "the stack"
    return f"{name}: {one.why if isinstance(one, NotRun) else one.message}"


def through_proxies(rule: Rule, stack: Iterable[Resource], config: Properties | None = None) -> list[str]:
    """The same of values behind the SDK's proxies, which are no dictionaries and raise where a value is unknown."""
    proxied = [replace(one, properties=unknown_checking_proxy(plain_object(one.properties))) for one in stack]
    return as_function(rule, proxied, config)


class Pack:
    """Rules with a configuration, asked as the engine asks: every resource, then the stack."""

    def __init__(
        self, rules: Sequence[Rule], config: Mapping[str, object] | None = None, today: date | None = None
    ) -> None:
        self._analyzer = Analyzer("pack", "1.0.0", rules, today)
        self._analyzer.Configure(_request(rules, config or {}), None)
        self._known: dict[int, tuple[Resource, struct_pb2.Struct]] = {}

    def findings(self, stack: Iterable[Resource], outputs: Mapping[str, Resource] | None = None) -> list[Finding]:
        """Findings of the rules on a whole stack. ``outputs`` are what providers made of it, where that differs."""
        resources = list(stack)
        made = resources if outputs is None else list(outputs.values())
        # Most of a stack stays what it was from one question to the next.
        self._known = {id(one): self._known.get(id(one)) or (one, wire(one)) for one in (*resources, *made)}
        wires = {one: properties for one, (_, properties) in self._known.items()}
        answers = [self._analyzer.Analyze(request_of(one, wires[id(one)]), None) for one in resources]
        whole = analyzer_pb2.AnalyzeStackRequest(resources=[of_stack(one, wires[id(one)]) for one in made])
        answers.append(self._analyzer.AnalyzeStack(whole, None))
        return [
            Finding(one.policyName, analyzer_pb2.EnforcementLevel.Name(one.enforcementLevel).lower(), one.message)
            for answer in answers
            for one in answer.diagnostics
        ]


def _request(rules: Sequence[Rule], config: Mapping[str, object]) -> analyzer_pb2.ConfigureAnalyzerRequest:
    """Configuration as the engine makes it of a file: defaults, then the level of all, then each rule's own."""
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    of_all = _level_of(config.get(ALL), "mandatory")
    for name in [*(rule.name for rule in rules), *(name for name in config)]:
        given = config.get(name, {})
        values = {key: value for key, value in given.items() if key != LEVEL} if isinstance(given, Mapping) else {}
        one = request.policyConfig[name]
        one.enforcementLevel = analyzer_pb2.EnforcementLevel.Value(_level_of(given, of_all).upper())
        json_format.ParseDict(values, one.properties)
    return request


def _level_of(given: object, default: str) -> str:
    if isinstance(given, str):
        return given
    return str(given.get(LEVEL, default)) if isinstance(given, Mapping) else default


def request_of(resource: Resource, properties: struct_pb2.Struct | None = None) -> analyzer_pb2.AnalyzeRequest:
    """A resource as the engine hands it to the analyzer; ``properties`` where they are on the wire already."""
    return analyzer_pb2.AnalyzeRequest(
        type=resource.type,
        name=resource.name,
        urn=resource.urn,
        properties=properties or wire(resource),
        options=analyzer_pb2.AnalyzerResourceOptions(protect=resource.protect),
        provider=analyzer_pb2.AnalyzerProviderResource(name=resource.provider),
    )


def of_stack(resource: Resource, properties: struct_pb2.Struct) -> analyzer_pb2.AnalyzerResource:
    """A resource as the engine hands it to stack rules."""
    return analyzer_pb2.AnalyzerResource(
        type=resource.type,
        name=resource.name,
        urn=resource.urn,
        properties=properties,
        options=analyzer_pb2.AnalyzerResourceOptions(protect=resource.protect),
        provider=analyzer_pb2.AnalyzerProviderResource(name=resource.provider),
        dependencies=sorted(resource.depends_on),
        propertyDependencies={
            key: analyzer_pb2.AnalyzerPropertyDependencies(urns=sorted(urns)) for key, urns in resource.tied.items()
        },
    )


def wire(resource: Resource) -> struct_pb2.Struct:
    """A resource's properties as they travel."""
    return json_format.ParseDict(plain_object(resource.properties), struct_pb2.Struct())
