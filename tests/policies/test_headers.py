"""security-headers: no route reaches a backend without every header, each with a safe value."""

from __future__ import annotations

import copy

import pytest
from pulumi_policy.proxy import unknown_checking_proxy

from infra.headers import SECURITY_HEADERS
from policies.rules.headers import ALLOWED, violations
from tests.policies.analyzer import UNKNOWN, Analyzer, Finding

ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
SIX = {name: value for name, value in SECURITY_HEADERS.items() if name.lower() in ALLOWED}


def rule(headers: dict[str, str], verb: str = "set") -> dict[str, object]:
    """A rule that reaches a backend with these headers."""
    pairs = [{"name": name, "value": value} for name, value in headers.items()]
    return {
        "filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {verb: pairs}}],
        "backendRefs": [{"name": "cpm", "port": 80}],
    }


def route(*rules: object) -> dict[str, object]:
    return {"metadata": {"name": "api"}, "spec": {"rules": list(rules)}}


def found(analyzer: Analyzer, *rules: object) -> list[Finding]:
    return analyzer.findings(ROUTE, route(*rules), "api")


def without(name: str) -> dict[str, str]:
    return {other: value for other, value in SECURITY_HEADERS.items() if other != name}


def test_the_rule_requires_the_six_headers_of_the_requirement() -> None:
    assert {name.lower() for name in SIX} == set(ALLOWED)


@pytest.mark.requirement("Y01")
def test_a_route_with_every_header_passes(analyzer: Analyzer) -> None:
    assert found(analyzer, rule(dict(SECURITY_HEADERS)), rule(dict(SECURITY_HEADERS))) == []


@pytest.mark.requirement("Y01")
@pytest.mark.parametrize("header", SECURITY_HEADERS)
def test_a_route_without_one_header_is_refused_naming_rule_route_and_header(analyzer: Analyzer, header: str) -> None:
    (finding,) = found(analyzer, rule(without(header)))
    assert (finding.rule, finding.level) == ("security-headers", "mandatory")
    assert f"api: rules[0] does not set the header {header.lower()}" in finding.message


@pytest.mark.requirement("Y01")
@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Strict-Transport-Security", "max-age=31535999; includeSubDomains"),
        ("Strict-Transport-Security", "max-age=63072000"),
        ("Strict-Transport-Security", "includeSubDomains"),
        ("Strict-Transport-Security", ""),
        ("X-Frame-Options", "ALLOWALL"),
        ("X-Content-Type-Options", "sniff"),
        ("X-XSS-Protection", "1"),
        ("Content-Security-Policy", "default-src 'none'"),
        ("Content-Security-Policy", "default-src 'self' *"),
        ("Content-Security-Policy", "default-src 'self'; script-src 'unsafe-inline'"),
        ("Content-Security-Policy", "default-src 'self'; img-src *"),
        ("Content-Security-Policy", "script-src 'self'"),
        ("Referrer-Policy", "unsafe-url"),
    ],
)
def test_an_unsafe_value_is_refused_naming_value_and_what_is_allowed(
    analyzer: Analyzer, header: str, value: str
) -> None:
    (finding,) = found(analyzer, rule({**SECURITY_HEADERS, header: value}))
    assert f"sets {header.lower()} to {value!r}; allowed: {ALLOWED[header.lower()][0]}" in finding.message


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload"),
        ("X-Frame-Options", "SAMEORIGIN"),
        ("X-XSS-Protection", "0"),
        ("Content-Security-Policy", "default-src 'self'"),
        ("Content-Security-Policy", "frame-ancestors 'none'; default-src 'self'; img-src https://img.example.com"),
        ("Referrer-Policy", "no-referrer"),
    ],
)
def test_the_other_safe_values_pass(analyzer: Analyzer, header: str, value: str) -> None:
    assert found(analyzer, rule({**SECURITY_HEADERS, header: value})) == []


def test_header_names_are_compared_without_regard_to_case(analyzer: Analyzer) -> None:
    assert found(analyzer, rule({name.upper(): value for name, value in SECURITY_HEADERS.items()})) == []


def test_headers_that_are_added_instead_of_set_do_not_count(analyzer: Analyzer) -> None:
    assert len(found(analyzer, rule(dict(SECURITY_HEADERS), verb="add"))) == len(SECURITY_HEADERS)


def test_of_a_header_set_twice_the_first_counts_as_at_the_gateway(analyzer: Analyzer) -> None:
    pairs = {"X-FRAME-OPTIONS": "ALLOWALL", **SECURITY_HEADERS}
    (finding,) = found(analyzer, rule(pairs))
    assert "x-frame-options to 'ALLOWALL'" in finding.message


def test_the_second_rule_of_a_route_is_looked_at_like_the_first(analyzer: Analyzer) -> None:
    (finding,) = found(analyzer, rule(dict(SECURITY_HEADERS)), rule(without("X-Frame-Options")))
    assert "rules[1] does not set the header x-frame-options" in finding.message


def test_a_route_that_only_redirects_needs_no_headers(analyzer: Analyzer) -> None:
    redirect = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]}
    assert found(analyzer, redirect) == []


@pytest.mark.parametrize(
    "broken", [{"backendRefs": [{"name": "cpm"}]}, {"backendRefs": [{"name": "cpm"}], "filters": []}]
)
def test_a_rule_without_any_filter_lacks_every_header(analyzer: Analyzer, broken: object) -> None:
    assert len(found(analyzer, broken)) == len(SECURITY_HEADERS)


@pytest.mark.parametrize("properties", [{}, {"spec": {}}, {"spec": {"rules": []}}])
def test_a_route_without_rules_is_refused(analyzer: Analyzer, properties: dict[str, object]) -> None:
    (finding,) = analyzer.findings(ROUTE, properties, "api")
    assert "api: the route has no rules" in finding.message


def test_without_configuration_the_six_are_required_all_the_same() -> None:
    assert len(found(Analyzer({}), rule({}))) == len(ALLOWED)
    assert found(Analyzer({}), rule(SIX)) == []


@pytest.mark.requirement("Y01")
def test_the_older_version_of_the_kind_is_held_to_the_same(analyzer: Analyzer) -> None:
    type_ = "kubernetes:gateway.networking.k8s.io/v1beta1:HTTPRoute"
    assert len(analyzer.findings(type_, route(rule({})))) == len(SECURITY_HEADERS)


def test_other_kinds_are_left_alone(analyzer: Analyzer) -> None:
    assert analyzer.findings("kubernetes:core/v1:ConfigMap", route(rule({}))) == []


def test_the_decision_is_a_pure_function_that_reads_plain_mappings_and_the_sdks_proxies_alike() -> None:
    spec = {"rules": [rule(without("Referrer-Policy"))]}
    before = copy.deepcopy(spec)
    plain, proxied = list(violations(spec)), list(violations(unknown_checking_proxy(spec)))
    assert plain == proxied
    assert len(plain) == 1
    assert spec == before


def test_a_value_that_is_unknown_at_preview_makes_the_rule_say_that_it_could_not_run(analyzer: Analyzer) -> None:
    (finding,) = found(analyzer, rule({**SECURITY_HEADERS, "X-Frame-Options": UNKNOWN}))
    assert finding.skipped
    assert (finding.rule, finding.level) == ("security-headers", "advisory")
