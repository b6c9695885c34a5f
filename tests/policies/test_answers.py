"""Headers of routes of every kind: what a finding says, and what our own edge by ingress-nginx shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings.edge import EdgeKind
from ops.stack_files import read
from policies.examples import COMPLIANT
from policies.examples.base import CLUSTER, in_cluster
from policies.pack import RULES
from policies.reading import Value
from policies.rule import Resource
from policies.testing import UNKNOWN, Pack, through_proxies
from tests.policies.conftest import CONFIG, of_name
from tests.policies.declared import resources

HEADER_RULES = ("security-headers", "content-policy", "talkative-headers")


def ingress(class_: str, annotations: dict[str, Value]) -> Resource:
    spec: Value = {"ingressClassName": class_, "rules": [{"host": "shop.example.com"}]}
    made = in_cluster("networking.k8s.io/v1:Ingress", "web", {"spec": spec})
    return Resource(
        made.type, made.name, {**made.properties, "metadata": {"annotations": annotations}}, made.urn, provider=CLUSTER
    )


@pytest.mark.requirement("Y01")
def test_the_edge_by_ingress_nginx_sets_every_header_that_the_rules_ask_for(root: Path) -> None:
    settings = read(root, "dev")
    own = settings.model_copy(update={"edge": settings.edge.model_copy(update={"kind": EdgeKind.INGRESS})})
    stack = resources(root, "dev", own)
    assert [one for one in stack if one.type.endswith(":Ingress")]
    assert [one for name in HEADER_RULES for one in through_proxies(of_name(name), stack)] == []


@pytest.mark.parametrize("rule", HEADER_RULES)
def test_a_controller_that_shows_no_headers_is_said_to_and_what_to_do(rule: str) -> None:
    (found,) = through_proxies(of_name(rule), [ingress("kong", {})])
    assert found == (
        "web-ingress: the Ingress: the class kong shows no headers that can be read; route by the Gateway API, or have "
        "the application send it and exempt this route"
    )


def test_what_a_load_balancer_cannot_set_is_said_with_the_way_out() -> None:
    notes: dict[str, Value] = {"alb.ingress.kubernetes.io/certificate-arn": "arn"}
    found = through_proxies(of_name("security-headers"), [ingress("alb", notes)])
    assert len(found) == 6
    unable = {one.partition("header ")[2].partition(";")[0] for one in found if "has no attribute for it" in one}
    assert unable == {"referrer-policy", "x-xss-protection"}


def test_headers_of_a_gateway_that_a_preview_does_not_know_leave_its_route_unjudged_and_no_other() -> None:
    late = in_cluster(
        "gateway.envoyproxy.io/v1alpha1:ClientTrafficPolicy",
        "late",
        {
            "spec": {
                "targetRefs": [{"kind": "Gateway", "name": "edge"}],
                "headers": {"lateResponseHeaders": {"set": [{"name": "X-Frame-Options", "value": UNKNOWN}]}},
            }
        },
    )
    bad = ingress("traefik", {})
    found = [
        one for one in Pack(RULES, CONFIG).findings([*COMPLIANT.values(), late, bad]) if one.rule == HEADER_RULES[0]
    ]
    skipped = [one.message for one in found if one.skipped]
    assert len(skipped) == 1
    assert "api-httproute" in skipped[0]
    assert {one.message.partition(":")[0] for one in found if not one.skipped} == {"web-ingress"}


ALB = "alb.ingress.kubernetes.io/"
BOTH = '[{"HTTP": 80}, {"HTTPS": 443}]'
LISTENERS = [
    ({}, {"listener HTTP-80"}),
    ({f"{ALB}scheme": "internal"}, {"listener HTTP-80"}),
    ({f"{ALB}certificate-arn": "arn"}, {"listener HTTPS-443"}),
    ({f"{ALB}certificate-arn": "arn", f"{ALB}listen-ports": BOTH}, {"listener HTTP-80", "listener HTTPS-443"}),
    ({f"{ALB}ssl-redirect": "443", f"{ALB}listen-ports": BOTH}, {"listener HTTPS-443"}),
    ({f"{ALB}certificate-arn": "arn", f"{ALB}listen-ports": "no json"}, {"listener HTTPS-443"}),
]


@pytest.mark.parametrize(("annotations", "listeners"), LISTENERS)
def test_every_listener_of_a_load_balancer_is_asked_but_the_one_that_only_redirects(
    annotations: dict[str, Value], listeners: set[str]
) -> None:
    found = through_proxies(of_name("security-headers"), [ingress("alb", annotations)])
    assert {one.removeprefix("web-ingress: ").partition(" does not")[0] for one in found} == listeners


def test_the_header_that_a_snippet_adds_is_named() -> None:
    snippet = "more_clear_headers Server X-Powered-By; add_header X-Frame-Options DENY always;"
    annotations: dict[str, Value] = {"nginx.ingress.kubernetes.io/configuration-snippet": snippet}
    found = through_proxies(of_name("talkative-headers"), [ingress("nginx", annotations)])
    assert found == ["web-ingress: the Ingress adds 'X-Frame-Options'; with `set` there is one value, with `add` two"]


@pytest.mark.parametrize(("links", "seen"), [(9, True), (10, False)])
def test_chains_within_chains_are_followed_ten_deep(links: int, seen: bool) -> None:
    chain = [
        in_cluster(
            "traefik.io/v1alpha1:Middleware",
            f"link-{place}",
            {"spec": {"chain": {"middlewares": [{"name": f"link-{place + 1}"}]}} if place < links else {"headers": {}}},
        )
        for place in range(links + 1)
    ]
    web = ingress("traefik", {"traefik.ingress.kubernetes.io/router.middlewares": "shop-link-0@kubernetescrd"})
    found = through_proxies(of_name("talkative-headers"), [*chain, web])
    assert ("cannot be read" not in " ".join(found)) is seen


def test_of_several_middlewares_that_are_not_declared_the_first_is_named() -> None:
    names = "shop-a@kubernetescrd, shop-b@kubernetescrd"
    web = ingress("traefik", {"traefik.ingress.kubernetes.io/router.middlewares": names})
    assert through_proxies(of_name("talkative-headers"), [web]) == [
        f"web-ingress: the Ingress: the middleware {name}@kubernetescrd is not declared in this stack, so its headers "
        "cannot be read; declare it"
        for name in ("shop-b", "shop-a")
    ]
