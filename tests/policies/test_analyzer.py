"""Analyzer around the rules: a rule that fails is named, and no rule runs on what it does not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from policies.analyzer import FAILED
from policies.examples import COMPLIANT
from policies.pack import RULES
from policies.rule import Break, Resource, ResourceRule, StackRule, Violation
from policies.testing import UNKNOWN, Pack, broken
from policies.tunables import Settings
from tests.policies.conftest import of_name


def _raises(resource: Resource, settings: Settings) -> Iterator[str]:
    yield "the first thing it saw"
    raise ZeroDivisionError("a mistake in the rule")


def _stack_raises(resources: Sequence[Resource], settings: Settings) -> Iterator[Violation]:
    raise KeyError("replicas")
    yield


def test_a_rule_that_raises_names_itself_the_resource_and_the_error_and_stops_the_run() -> None:
    rule = of_name("spread")
    assert isinstance(rule, ResourceRule)
    found = Pack([replace(rule, check=_raises)], {"spread": "mandatory"}).findings(COMPLIANT.values())
    assert [one.message for one in found] == [
        "cpm-deployment: the first thing it saw",
        f"{FAILED} spread on cpm-deployment: ZeroDivisionError: a mistake in the rule",
    ]
    assert {one.level for one in found} == {"mandatory"}


def test_a_stack_rule_that_raises_stops_the_run_even_where_rules_are_only_advice() -> None:
    rule = of_name("budget")
    assert isinstance(rule, StackRule)
    (finding,) = Pack([replace(rule, check=_stack_raises)], {"all": "advisory"}).findings(COMPLIANT.values())
    assert finding.message == f"{FAILED} budget on the stack: KeyError: 'replicas'"
    assert finding.level == "mandatory"


def test_a_setting_that_a_rule_does_not_have_is_a_mistake_of_the_rule() -> None:
    with pytest.raises(KeyError):
        Settings((), {}).text("nothing")


def test_stack_rules_see_what_was_declared_and_not_what_a_preview_made_of_it() -> None:
    """The engine hands them outputs, in which a cluster has filled in defaults such as replicas: 1."""
    pack = Pack(RULES, {"scale-limits": {"instances": {"cpm": 10}}})
    filled = broken(COMPLIANT, Break("deployment", "/spec/replicas", 1))
    assert "one-owner-of-replicas" not in {one.rule for one in pack.findings(COMPLIANT.values(), outputs=filled)}
    assert "one-owner-of-replicas" in {one.rule for one in pack.findings(filled.values())}


def test_an_unknown_value_that_no_rule_reads_skips_nothing() -> None:
    unknown = broken(COMPLIANT, Break("deployment", "/metadata/annotations", UNKNOWN))
    assert not [one for one in Pack(RULES).findings(unknown.values()) if one.skipped]


def test_types_that_no_rule_reads_are_let_through_without_a_look() -> None:
    stranger = Resource("azure:compute:Vm", "vm", {"anything": UNKNOWN}, "urn:pulumi:a::b::azure:compute:Vm::vm")
    needed = ("audit-trail", "budget", "failover-chain")
    silent = {"all": "advisory", **dict.fromkeys(needed, "disabled")}
    assert Pack(RULES, silent).findings([stranger]) == []
