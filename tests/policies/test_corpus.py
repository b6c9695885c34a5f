"""Every way around a rule is found, and every ordinary resource of another team passes."""

from __future__ import annotations

from collections import Counter

import pytest

from policies.analyzer import FAILED
from policies.pack import RULES
from policies.testing import Pack, through_proxies
from tests.policies.conftest import CONFIG, marks_of, of_name
from tests.policies.corpus import Case, cases

EVASIONS = list(cases("evasions"))
INNOCENTS = list(cases("innocents"))
LEAST = 5


def named(found: list[Case]) -> list[object]:
    return [pytest.param(one, id=f"{one.rule}-{one.says}", marks=marks_of(one.rule)) for one in found]


def config(case: Case) -> dict[str, dict[str, object]]:
    return {**CONFIG, case.rule: {**CONFIG.get(case.rule, {}), **case.config}}


@pytest.mark.parametrize("case", named(EVASIONS))
def test_a_way_around_a_rule_is_found(case: Case) -> None:
    found = [one for one in Pack(RULES, config(case)).findings(case.stack()) if one.rule == case.rule]
    assert [one for one in found if not one.skipped], case.says
    assert not [one.message for one in found if one.message.startswith(FAILED)]
    assert {one.level for one in found} == {"mandatory"}


@pytest.mark.parametrize("case", named(INNOCENTS))
def test_an_ordinary_resource_passes(case: Case) -> None:
    settings = config(case)[case.rule]
    assert through_proxies(of_name(case.rule), case.stack(), settings) == []


@pytest.mark.parametrize("corpus", [EVASIONS, INNOCENTS], ids=["evasions", "innocents"])
def test_every_rule_has_five_cases_or_more_and_each_is_told_apart(corpus: list[Case]) -> None:
    counts = Counter(one.rule for one in corpus)
    assert {rule.name: counts[rule.name] for rule in RULES if counts[rule.name] < LEAST} == {}
    assert set(counts) <= {rule.name for rule in RULES}
    assert [one for one, count in Counter((one.rule, one.says) for one in corpus).items() if count > 1] == []
