"""A configuration that the engine would ignore is refused by the pack, with the key and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from policies.configuration import ConfigurationError, check
from policies.examples import COMPLIANT
from policies.pack import RULES
from policies.rule import Break
from policies.testing import Pack, broken

EXEMPTION = {"resource": "cpm-*", "owner": "platform", "reason": "moves in March", "expires": "2027-03-31"}


def refused(config: Mapping[str, object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Pack(RULES, config)
    return str(caught.value)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"scale-limit": {}}, "scale-limit: there is no such rule; did you mean scale-limits?"),
        ({"zzz": "mandatory"}, "zzz: there is no such rule"),
        ({"scale-limits": {"storageGB": 3}}, "scale-limits.storageGB: there is no such key; did you mean storageGb?"),
        ({"scale-limits": {"storageGb": "3"}}, "scale-limits.storageGb: is '3'; allowed is a number"),
        ({"scale-limits": {"instances": {"cpm": "ten"}}}, "allowed is a numbers by name"),
        ({"scale-limits": {"memory": 2}}, "scale-limits.memory: is 2; allowed is a text"),
        ({"protected-state": {"required": 1}}, "protected-state.required: is 1; allowed is a true or false"),
        ({"cost-tags": {"tags": "owner"}}, "cost-tags.tags: is 'owner'; allowed is a list of texts"),
        ({"scale-limits": {"exemptions": [{**EXEMPTION, "expires": "soon"}]}}, "expires is 'soon'; allowed is a day"),
        ({"scale-limits": {"exemptions": [{**EXEMPTION, "owner": " "}]}}, "exemptions[0]: owner is missing"),
        ({"scale-limits": {"exemptions": [{**EXEMPTION, "why": "x"}]}}, "why is not a field of an exemption"),
    ],
)
def test_what_the_pack_does_not_have_is_refused_with_the_key(config: Mapping[str, object], told: str) -> None:
    assert told in refused(config)


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="allowed are advisory, mandatory, remediate, disabled"):
        check(RULES, {"scale-limits": {"enforcementLevel": "strict"}})
    with pytest.raises(ConfigurationError, match=r"all\.storageGb: there is no such key"):
        check(RULES, {"all": {"storageGb": 1}})


def test_everything_wrong_is_told_at_once() -> None:
    told = refused({"scale-limit": {}, "cost-tag": {}})
    assert "scale-limit:" in told
    assert "cost-tag:" in told


def test_a_rule_that_is_switched_off_is_silent_and_others_are_not() -> None:
    stack = broken(COMPLIANT, Break("autoscaler", "/spec/maxReplicas", 11)).values()
    off = Pack(RULES, {"scale-limits": "disabled"}).findings(stack)
    assert "scale-limits" not in {one.rule for one in off}
    assert Pack(RULES, {"all": "disabled"}).findings(stack) == []


def test_the_integers_of_the_configuration_arrive_as_floats_and_are_shown_without_a_fraction() -> None:
    pack = Pack(RULES, {"scale-limits": {"instances": {"cpm": 3}, "storageGb": 7, "databaseConnections": 9}})
    told = " ".join(one.message for one in pack.findings(COMPLIANT.values()))
    for part in ("the limit is 3 instances of cpm", "the limit is 7 GB", "the limit is 9 connections"):
        assert part in told
