"""Rules under generated values: whatever the number or the order, exactly what breaks the rule is refused."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.examples import COMPLIANT
from policies.pack import RULES
from policies.reading import Value, plain
from policies.rule import Break
from policies.testing import Pack, as_function, broken, through_proxies
from tests.policies.conftest import BREAKS, CONFIG, config_of, of_name

PACK = Pack(RULES, CONFIG)
CHANGES = [one.values for one in BREAKS]
LEAF = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**9), st.floats(allow_nan=False), st.text(max_size=12))
ANYTHING = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def refused(name: str, change: Break) -> bool:
    rule = of_name(name)
    return bool(as_function(rule, broken(COMPLIANT, change).values(), config_of(rule)))


@given(st.integers(-1, 10_000))
def test_an_autoscaler_passes_exactly_up_to_its_limit(maximum: int) -> None:
    assert refused("scale-limits", Break("autoscaler", "/spec/maxReplicas", maximum)) == (maximum > 10)


@given(st.integers(1, 8192))
def test_memory_passes_exactly_up_to_its_limit(mebibytes: int) -> None:
    path = "/spec/template/spec/containers/0/resources/limits/memory"
    assert refused("scale-limits", Break("deployment", path, f"{mebibytes}Mi")) == (mebibytes > 2048)


@given(st.integers(0, 100), st.integers(0, 20), st.integers(1, 8))
def test_connections_pass_exactly_while_the_worst_case_fits(size: int, overflow: int, processes: int) -> None:
    data: dict[str, Value] = {
        "DATABASE_POOL_SIZE": str(size),
        "DATABASE_MAX_OVERFLOW": str(overflow),
        "UVICORN_WORKERS": str(processes),
    }
    worst = 10 * (size + overflow) * processes
    assert refused("connections-in-the-worst-case", Break("config", "/data", data)) == (worst > 190)


@given(st.integers(0, 10**9))
def test_hsts_passes_exactly_from_a_year_on(seconds: int) -> None:
    path = "/spec/rules/0/filters/0/responseHeaderModifier/set/0/value"
    value = f"max-age={seconds}; includeSubDomains"
    assert refused("security-headers", Break("route", path, value)) == (seconds < 31_536_000)


@given(st.integers(0, 65_535))
def test_the_world_comes_in_on_two_ports_only(port: int) -> None:
    rule: Value = [{"fromPort": port, "toPort": port, "cidrBlocks": ["0.0.0.0/0"]}]
    assert refused("closed-ports", Break("security group", "/ingress", rule)) == (port not in (80, 443))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CHANGES), ANYTHING)
def test_whatever_stands_in_a_property_no_rule_fails_and_both_ways_of_reading_agree(
    chosen: tuple, value: Value
) -> None:
    """A rule that raises stops every deployment, so nothing that a program may write must make one raise."""
    rule, change = chosen
    if change.path:
        stack = broken(COMPLIANT, Break(change.of, change.path, value)).values()
        plainly = as_function(rule, stack, config_of(rule))
        assert through_proxies(rule, stack, config_of(rule)) == plainly


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([one for one in CHANGES if not one[1].later]), st.randoms(use_true_random=False))
def test_a_broken_stack_is_refused_in_whatever_order_it_is_declared(chosen: tuple, order: random.Random) -> None:
    rule, change = chosen
    stack = list(broken(COMPLIANT, change).values())
    order.shuffle(stack)
    assert rule.name in {one.rule for one in PACK.findings(stack)}


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=10), max_size=4))
def test_labels_and_annotations_of_no_ones_concern_change_nothing(extra: dict[str, str]) -> None:
    own = {f"example.com/{key.replace('/', '')}": value for key, value in extra.items()}
    metadata = plain(COMPLIANT["deployment"].properties["metadata"])
    assert isinstance(metadata, dict)
    changed = broken(COMPLIANT, Break("deployment", "/metadata", {**metadata, "annotations": dict(own)}))
    assert PACK.findings(changed.values()) == []
