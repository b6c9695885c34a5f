"""Answers of public routes of any kind: the response headers that each sets, adds and removes, in the order of proxies.

A gateway's own policy comes last and has the last word (Envoy Gateway, ClientTrafficPolicy, lateResponseHeaders). A
controller that does not show its headers is said to be so: silence would be taken for consent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from policies import ingresses
from policies.modifiers import MIDDLEWARE, Modifier, middleware
from policies.pods import object_name, selects
from policies.reading import Properties, at, mapping, mappings, text, texts
from policies.routes import GATEWAY, GRPC_ROUTE, HTTP_ROUTE, answers, listeners, parents, rules_of
from policies.rule import Resource

CLIENT_POLICY: Final = "kubernetes:gateway.envoyproxy.io/v1alpha1:ClientTrafficPolicy"
ROUTED: Final = (HTTP_ROUTE, GRPC_ROUTE, ingresses.INGRESS)
"""Kinds of routes whose answers are read."""
BROWSED: Final = (HTTP_ROUTE, ingresses.INGRESS)
"""Those whose answers a browser shows. A GRPCRoute takes gRPC calls alone (Gateway API, GRPCRoute), which no browser
renders; what it does set a browser may remember for the whole host, as HSTS.
"""
READ: Final = (*ROUTED, CLIENT_POLICY, GATEWAY, MIDDLEWARE, ingresses.INGRESS_CLASS, ingresses.CONFIG_MAP)
"""Kinds that decide the headers of these routes."""


@dataclass(frozen=True)
class Answer:
    """One part of a route, named by ``where``. ``values`` are the headers that are set, by name in small letters;
    ``added`` those that get a second value; ``removed`` and ``patterns`` those that are taken away. ``unseen`` says why
    headers cannot be read, ``able`` which ones the controller has a way to change (None for all), ``instead`` what to
    do about others.
    """

    where: str
    values: Mapping[str, str] = field(default_factory=dict)
    added: Sequence[str] = ()
    removed: frozenset[str] = frozenset()
    patterns: Sequence[re.Pattern[str]] = ()
    unseen: Sequence[str] = ()
    able: frozenset[str] | None = None
    instead: str = ""

    def lacks(self, name: str) -> bool:
        """True if no answer has this header, in small letters, whatever the application sends."""
        taken = name in self.removed or any(one.fullmatch(name) for one in self.patterns)
        return taken and name not in self.values

    def advice(self, name: str) -> str:
        """Advice on a header that the controller has no way to change; nothing where it has."""
        return "" if self.able is None or name in self.able else f"; {self.instead}"


def answers_of(route: Resource, resources: Sequence[Resource]) -> Iterator[Answer]:
    """Every part of a route that answers by itself, once for each listener that changes its headers."""
    if route.type == ingresses.INGRESS:
        for where, one in ingresses.shown(route, resources):
            found = _applied(Answer(where), one.modifiers)
            yield replace(found, unseen=one.unseen, able=one.able, instead=one.instead)
        return
    answering = [(index, rule) for index, rule in enumerate(rules_of(route)) if answers(rule)]
    # A gateway says nothing of a route that only redirects.
    late = list(_late(route, resources)) if answering else []
    for index, rule in answering:
        for listener, last in late:
            yield _of_rule(f"rules[{index}]{listener}", route, rule, last, resources)


def _of_rule(
    where: str, route: Resource, rule: Properties, last: Modifier | None, resources: Sequence[Resource]
) -> Answer:
    """A header that a filter removes again, of the rule or of one of its backends, is not set; one that a backend sets
    has the backend's value.
    """
    own = _applied(Answer(where), [_of_filters(rule)])
    unseen: list[str] = []
    for one in _extensions(rule):
        found = middleware(_named(one, route), resources)
        if isinstance(found, str):
            unseen.append(found)
        else:
            own = _applied(own, found)
    backends = [_of_filters(one) for one in mappings(rule.get("backendRefs"))]
    values = {name: value for name, value in own.values.items() if not any(name in one.removes for one in backends)}
    values |= {name: value for one in backends for name, value in one.sets.items()}
    shared = frozenset.intersection(*(one.removes for one in backends)) if backends else frozenset[str]()
    added = [*own.added, *(name for one in backends for name in one.adds)]
    answer = Answer(where, values, added, own.removed | shared, unseen=unseen)
    return answer if last is None else _applied(answer, [last])


def _applied(answer: Answer, modifiers: Sequence[Modifier]) -> Answer:
    """The answer after each of these in turn; what one both sets and removes is removed."""
    for one in modifiers:
        values = {name: value for name, value in {**answer.values, **one.sets}.items() if not one.takes(name)}
        removed = frozenset(name for name in answer.removed if name not in one.sets) | one.removes
        added = [*(name for name in answer.added if name.lower() not in one.sets), *one.adds]
        answer = replace(answer, values=values, removed=removed, added=added, patterns=(*answer.patterns, *one.gone))
    return answer


def _of_filters(holder: Properties) -> Modifier:
    """By ``set`` only: ``add`` would leave a second value beside the application's own. Of several for one name the
    first counts, as the Gateway API has it.
    """
    modifiers = [mapping(one.get("responseHeaderModifier")) for one in mappings(holder.get("filters"))]
    return _modifier(modifiers)


def _modifier(written: Sequence[Properties], gone: Sequence[re.Pattern[str]] = ()) -> Modifier:
    sets: dict[str, str] = {}
    for header in (header for one in written for header in mappings(one.get("set"))):
        sets.setdefault(text(header.get("name")).lower(), text(header.get("value")))
    adds = [text(header.get("name")) for one in written for header in mappings(one.get("add"))]
    removes = frozenset(name.lower() for one in written for name in texts(one.get("remove")))
    return Modifier(sets, tuple(adds), removes, tuple(gone))


def _extensions(rule: Properties) -> Iterator[Properties]:
    """Filters that name a middleware of Traefik."""
    for one in mappings(rule.get("filters")):
        of = mapping(one.get("extensionRef"))
        if text(of.get("kind")) == "Middleware":
            yield of


def _named(of: Properties, route: Resource) -> tuple[str, str, str]:
    return route.provider, text(at(route.properties, "metadata", "namespace")), text(of.get("name"))


def _late(route: Resource, resources: Sequence[Resource]) -> Iterator[tuple[str, Modifier | None]]:
    """The last words of the gateways that a route attaches to, each with the listener that it is for. A policy of one
    listener takes the place of the whole gateway's; which of two for one place counts is not said, so each must do.
    """
    gateways = [one for one in resources if one.type == GATEWAY]
    policies = [one for one in resources if one.type == CLIENT_POLICY]
    own = text(at(route.properties, "metadata", "namespace"))
    seen: dict[str, Modifier | None] = {}
    for parent in parents(route):
        there = (route.provider, text(parent.get("namespace")) or own, text(parent.get("name")))
        of = [(section, one) for one in policies for section in _sections(one, there, gateways)]
        for name in _attached(route, parent, gateways, [section for section, _ in of]):
            exact = [one for section, one in of if section and section == name]
            chosen = exact or [one for section, one in of if not section]
            for one in chosen:
                seen[f" on listener {name or 'of any name'} by {one.name}"] = _late_of(one)
            if not chosen:
                seen[""] = None
    yield from (seen or {"": None}).items()


def _attached(route: Resource, parent: Properties, gateways: Sequence[Resource], known: Sequence[str]) -> Sequence[str]:
    """Names of the listeners that a parent stands for; one without a name stands for every listener."""
    section = text(parent.get("sectionName"))
    if section:
        return [section]
    reduced = replace(route, properties={**route.properties, "spec": {"parentRefs": [parent]}})
    declared = [text(one.get("name")) for one in listeners(reduced, gateways)]
    # A gateway of another stack may have listeners beside those that a policy names.
    return declared or list(dict.fromkeys([*known, ""]))


def _sections(policy: Resource, gateway: tuple[str, str, str], gateways: Sequence[Resource]) -> Iterator[str]:
    """Names of a gateway's listeners that a policy is for; an empty one for all of them."""
    if (policy.provider, text(at(policy.properties, "metadata", "namespace"))) != gateway[:2]:
        return
    if at(policy.properties, "spec", "headers", "lateResponseHeaders") is None:
        return
    spec = mapping(policy.properties.get("spec"))
    for one in (*mappings(spec.get("targetRefs")), mapping(spec.get("targetRef"))):
        if text(one.get("name")) == gateway[2]:
            yield text(one.get("sectionName"))
    for one in mappings(spec.get("targetSelectors")):
        if any(selects(one, mapping(at(of.properties, "metadata", "labels"))) for of in gateways if _is(of, gateway)):
            yield ""


def _is(gateway: Resource, named: tuple[str, str, str]) -> bool:
    there = text(at(gateway.properties, "metadata", "namespace"))
    return (gateway.provider, there, object_name(gateway)) == named


def _late_of(policy: Resource) -> Modifier:
    late = mapping(at(policy.properties, "spec", "headers", "lateResponseHeaders"))
    return _modifier([late], [_pattern(one) for one in mappings(late.get("removeOnMatch"))])


def _pattern(match: Properties) -> re.Pattern[str]:
    """A matcher of header names (Envoy Gateway, StringMatch); one that cannot be read matches everything."""
    value = text(match.get("value"))
    exact = re.escape(value)
    kinds = {"Exact": exact, "Prefix": f"{exact}.*", "Suffix": f".*{exact}", "RegularExpression": value}
    try:
        return re.compile(kinds.get(text(match.get("type")) or "Exact", ".*"), re.IGNORECASE)
    except re.error:
        return re.compile(".*")
