"""Verdicts of the pack on one resource, rule by rule: the rules that read it, their results and reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from pulumi_policy.proxy import UnknownValueError

from policies.configuration import ALL, LEVEL
from policies.exemptions import KEY, Ledger, read
from policies.kinds import normalised
from policies.reading import Properties, mapping, noting, text
from policies.rule import NotRun, Resource, ResourceRule, Rule, StackRule, Violation
from policies.tunables import Settings

STRICT: Final = "mandatory"
DISABLED: Final = "disabled"


class Result(StrEnum):
    """Result of one rule."""

    PASSES = "passes"
    VIOLATED = "violated"
    EXCUSED = "excused"
    NOT_JUDGED = "not judged"
    OFF = "off"


@dataclass(frozen=True)
class Explained:
    """One rule on one resource. ``why`` is the violation, the value that is not known, or what the rule asks for."""

    rule: str
    level: str
    result: Result
    why: str


def explain(
    urn: str, resources: Sequence[Resource], rules: Sequence[Rule], config: Mapping[str, Properties], today: date
) -> list[Explained]:
    """Every rule that reads the resource, in the order of the pack. Raises LookupError for a URN that is not there."""
    if not any(one.urn == urn for one in resources):
        raise LookupError(f"{urn} is no resource of the stack")
    every = [one for written in resources for one in normalised(written)]
    return [
        found
        for rule in rules
        if any(rule.concerns(one) for one in every if one.urn == urn)
        for found in _of_rule(rule, urn, [one for one in every if rule.concerns(one)], config, today)
    ]


def _of_rule(
    rule: Rule, urn: str, every: Sequence[Resource], config: Mapping[str, Properties], today: date
) -> Iterator[Explained]:
    given = mapping(config.get(rule.name))
    level = text(given.get(LEVEL)) or text(mapping(config.get(ALL)).get(LEVEL)) or STRICT
    if level == DISABLED:
        yield Explained(rule.name, level, Result.OFF, rule.says)
        return
    ledger = Ledger(read(rule.name, given.get(KEY)), today)
    told = False
    with noting() as left:
        for one in _found(rule, urn, every, Settings(rule.tunables, given)):
            told = True
            if isinstance(one, NotRun):
                yield Explained(rule.name, level, Result.NOT_JUDGED, one.why)
            elif exemption := ledger.excuse(rule.name, one.resource):
                yield Explained(rule.name, level, Result.EXCUSED, f"{one.message} ({exemption})")
            else:
                yield Explained(rule.name, level, Result.VIOLATED, one.message)
    if not told and left:
        yield Explained(rule.name, level, Result.NOT_JUDGED, f"{', '.join(left)} is known at the update only")
    elif not told:
        yield Explained(rule.name, level, Result.PASSES, rule.says)


def _found(rule: Rule, urn: str, every: Sequence[Resource], settings: Settings) -> Iterator[Violation | NotRun]:
    """Violations by a rule on the resource; a stack rule is asked about the whole stack."""
    mine = [one for one in every if one.urn == urn]
    try:
        match rule:
            case ResourceRule():
                for one in mine:
                    yield from (Violation(message, one) for message in rule.check(one, settings))
            case StackRule():
                yield from (one for one in rule.check(every, settings) if one.resource and one.resource.urn == urn)
    except UnknownValueError as unknown:
        yield NotRun(mine[0], unknown.message)
