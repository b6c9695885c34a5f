"""Every rule, by the examples it comes with: the compliant stack passes, each single change of it is refused by that
rule, as a function, through the SDK's proxies and through the analyzer alike.
"""

from __future__ import annotations

import pytest

from policies.examples import COMPLIANT
from policies.pack import RULES
from policies.rule import Break, Rule
from policies.testing import UNKNOWN, Pack, as_function, broken, secret, through_proxies, value_at
from tests.policies.conftest import BREAKS, CONFIG, config_of, is_value


@pytest.fixture(scope="module")
def pack() -> Pack:
    return Pack(RULES, CONFIG)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_compliant_stack_passes_as_a_function_and_through_the_proxies(rule: Rule) -> None:
    assert as_function(rule, COMPLIANT.values(), config_of(rule)) == []
    assert through_proxies(rule, COMPLIANT.values(), config_of(rule)) == []


def test_the_compliant_stack_passes_the_whole_pack(pack: Pack) -> None:
    assert pack.findings(COMPLIANT.values()) == []


@pytest.mark.parametrize(("rule", "change"), BREAKS)
def test_each_change_is_refused_as_a_function_and_through_the_proxies_alike(rule: Rule, change: Break) -> None:
    stack = broken(COMPLIANT, change).values()
    plain = as_function(rule, stack, config_of(rule))
    assert plain
    assert through_proxies(rule, stack, config_of(rule)) == plain


@pytest.mark.parametrize(("rule", "change"), BREAKS)
def test_each_change_is_refused_by_its_rule_in_the_whole_pack(pack: Pack, rule: Rule, change: Break) -> None:
    found = pack.findings(broken(COMPLIANT, change).values())
    mine = [one for one in found if one.rule == rule.name]
    assert mine
    assert {one.level for one in mine} == {"mandatory"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_change_that_no_other_rule_refuses(pack: Pack, rule: Rule) -> None:
    """Seeded bad stacks: without the rule this one would have been deployed."""
    alone = [
        change
        for change in rule.breaks
        if {one.rule for one in pack.findings(broken(COMPLIANT, change).values())} == {rule.name}
    ]
    assert alone


@pytest.mark.parametrize(("rule", "change"), [one for one in BREAKS if is_value(one.values[1])])
def test_a_value_unknown_at_preview_is_named_as_not_run_or_left_to_the_update(
    pack: Pack, rule: Rule, change: Break
) -> None:
    unknown = broken(COMPLIANT, Break(change.of, change.path, UNKNOWN)).values()
    mine = [one for one in pack.findings(unknown) if one.rule == rule.name]
    if change.later:
        assert mine == []
    else:
        assert any(one.skipped and one.level == "advisory" and rule.name in one.message for one in mine)


@pytest.mark.parametrize(("rule", "change"), [one for one in BREAKS if is_value(one.values[1])])
def test_a_secret_is_read_like_any_other_value(pack: Pack, rule: Rule, change: Break) -> None:
    good = value_at(COMPLIANT[change.of].properties, change.path)
    if good is not None:
        kept = broken(COMPLIANT, Break(change.of, change.path, secret(good)))
        assert [one for one in pack.findings(kept.values()) if one.rule == rule.name] == []
    bad = value_at(broken(COMPLIANT, change)[change.of].properties, change.path)
    if bad is not None:
        hidden = broken(COMPLIANT, Break(change.of, change.path, secret(bad)))
        assert [one for one in pack.findings(hidden.values()) if one.rule == rule.name]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_says_everything_about_itself(rule: Rule) -> None:
    assert rule.says.endswith(".")
    assert rule.fix.endswith(".")
    assert len(rule.why) > 40
    assert rule.source
    assert rule.types
    assert rule.breaks
    assert all(change.of in COMPLIANT for change in rule.breaks)


def test_names_and_ids_are_each_used_once() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert len({rule.id for rule in RULES}) == len(RULES)
