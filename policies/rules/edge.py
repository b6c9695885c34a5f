"""Rules of the public edge: TLS only, no retired controller, known origins, limits on use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.blocks import is_world
from policies.pods import namespace, object_name, selects
from policies.reading import Properties, at, items, mapping, mappings, number, shown, text, texts
from policies.routes import GATEWAY, ROUTES, answers, listeners, only, parents, redirects, rules_of
from policies.rule import Break, Judged, Resource, ResourceRule, StackRule, Violation, each
from policies.tunables import Kind, Settings, Tunable

CLIENT_LIMITS: Final = "kubernetes:gateway.envoyproxy.io/v1alpha1:ClientTrafficPolicy"
RATE_LIMITS: Final = "kubernetes:gateway.envoyproxy.io/v1alpha1:BackendTrafficPolicy"
LISTENER: Final = "aws:lb/listener:Listener"
INGRESS: Final = "kubernetes:networking.k8s.io/v1:Ingress"
SERVICE: Final = "kubernetes:core/v1:Service"
INGRESS_CLASS: Final = "kubernetes:networking.k8s.io/v1:IngressClass"
RETIRED_CONTROLLER: Final = "k8s.io/ingress-nginx"
SAFE_TLS: Final = ("1.2", "1.3")
SAFE_POLICY: Final = re.compile(r"^ELBSecurityPolicy-(TLS13-1-[23]-|TLS-1-2-|FS-1-2-)")
"""Policies that begin at TLS 1.2 or 1.3 (Elastic Load Balancing, security policies); the name says the oldest."""
PLAIN: Final = "HTTP"
PLAIN_PORT: Final = 80
PER_MINUTE: Final[Mapping[str, float]] = {"Second": 60, "Minute": 1, "Hour": 1 / 60, "Day": 1 / 1440}
"""Envoy Gateway's units of a rate limit."""
PASSED_THROUGH: Final = ("TCP", "UDP", "TCP_UDP", "QUIC")
"""Protocols of a network load balancer that reads nothing of what it passes on."""
ALB: Final = "alb.ingress.kubernetes.io/"
INTERNAL: Final = (
    ("service.beta.kubernetes.io/aws-load-balancer-internal", "true"),
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"),
    ("networking.gke.io/load-balancer-type", "Internal"),
    ("cloud.google.com/load-balancer-type", "Internal"),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", "true"),
)
"""Annotations by which a load balancer has no address on the internet."""


def _tls_only(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.type == GATEWAY:
        yield from _gateway(resource)
    elif resource.type == CLIENT_LIMITS:
        yield from _least_version(resource)
    elif resource.type == LISTENER:
        yield from _load_balancer(resource)
    elif resource.type == INGRESS:
        yield from _ingress(resource)
    else:
        yield from _route(resource, settings.text("plainListener"), settings.texts("plainPaths"))


def _ingress(resource: Resource) -> Iterator[str]:
    """A certificate, by the Ingress itself or by the annotation of AWS's controller."""
    annotations = mapping(at(resource.properties, "metadata", "annotations"))
    if (
        not items(at(resource.properties, "spec", "rules"))
        and at(resource.properties, "spec", "defaultBackend") is None
    ):
        return
    if any(one == f"{ALB}certificate-arn" for one in annotations):
        ports = text(annotations.get(f"{ALB}listen-ports"))
        if PLAIN in re.findall(r"[A-Z]+", ports) and f"{ALB}ssl-redirect" not in list(annotations):
            yield f"the annotation {ALB}listen-ports opens plain HTTP, and no {ALB}ssl-redirect leads away from it"
        policy = text(annotations.get(f"{ALB}ssl-policy"))
        if policy and not SAFE_POLICY.match(policy):
            yield f"the annotation {ALB}ssl-policy is {policy}; allowed are those of TLS 1.2 and 1.3"
    elif not items(at(resource.properties, "spec", "tls")):
        yield "spec.tls is absent, so it answers on plain HTTP alone"
    for key in annotations:
        if key.endswith("/ssl-redirect") and text(annotations.get(key)) == "false":
            yield f"the annotation {key} is false, so plain HTTP is answered"


def _gateway(resource: Resource) -> Iterator[str]:
    listeners = mappings(at(resource.properties, "spec", "listeners"))
    if not any(text(one.get("protocol")) in ("HTTPS", "TLS") for one in listeners):
        yield "has no TLS listener; add one with protocol HTTPS"
    for one in listeners:
        named = f"listener {text(one.get('name'))}"
        protocol = text(one.get("protocol"))
        if protocol not in ("HTTP", "HTTPS", "TLS"):
            yield f"{named} has protocol {shown(one.get('protocol'))}; allowed are HTTPS, TLS, and HTTP to redirect"
        if protocol == "HTTPS" and not items(at(one, "tls", "certificateRefs")):
            yield f"{named} names no certificate, so it cannot end TLS"


def _least_version(resource: Resource) -> Iterator[str]:
    tls = at(resource.properties, "spec", "tls")
    version = mapping(tls).get("minVersion")
    if tls is not None and text(version) not in SAFE_TLS:
        yield f"spec.tls.minVersion is {shown(version)}; allowed are {' and '.join(SAFE_TLS)}"


def _load_balancer(resource: Resource) -> Iterator[str]:
    protocol = text(resource.properties.get("protocol"))
    if protocol in ("HTTPS", "TLS"):
        policy = text(resource.properties.get("sslPolicy"))
        if not SAFE_POLICY.match(policy):
            yield f"sslPolicy is {policy or 'absent'}; allowed are those of TLS 1.2 and 1.3"
    elif protocol not in PASSED_THROUGH:
        for action in mappings(resource.properties.get("defaultActions")) or [{}]:
            if text(at(action, "redirect", "protocol")) != "HTTPS":
                yield f"a listener of protocol {protocol or 'absent'} must only redirect to HTTPS"


def _route(resource: Resource, plain: str, paths: list[str]) -> Iterator[str]:
    found = parents(resource)
    if not found:
        yield "spec.parentRefs is absent, so nothing says that the route is on a TLS listener"
    sections = [text(one.get("sectionName")) for one in found]
    if any(not text(one.get("sectionName")) and number(one.get("port")) is None for one in found):
        yield "a parent without sectionName attaches the route to the plain listener too; name the TLS one"
    if plain in sections:
        yield from _answered_in_clear(resource, paths)


def _answered_in_clear(route: Resource, paths: list[str]) -> Iterator[str]:
    for index, rule in enumerate(rules_of(route)):
        if not only(rule, paths) and not redirects(rule):
            yield f"rules[{index}] answers on plain HTTP; it may only redirect to https with 301 or 308"


def _plain_listeners(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    """Violations by routes on listeners of plain HTTP, found by protocol, whatever a listener is called."""
    gateways = [one for one in resources if one.type == GATEWAY]

    def judged(route: Resource) -> Iterator[Judged]:
        unseen = {PLAIN_PORT} & {number(one.get("port")) for one in parents(route)}
        found = list(listeners(route, gateways)) or [{"name": "port 80", "protocol": PLAIN} for _ in unseen]
        for one in found:
            if text(one.get("protocol")) == PLAIN:
                for wrong in _answered_in_clear(route, settings.texts("plainPaths")):
                    yield Violation(f"on listener {text(one.get('name'))}: {wrong}", route)

    yield from each([one for one in resources if one.type in ROUTES], judged)


def _retired(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.type == INGRESS_CLASS:
        if text(at(resource.properties, "spec", "controller")) == RETIRED_CONTROLLER:
            yield f"is served by {RETIRED_CONTROLLER}, which gets no fixes any more; use the Gateway API"
        return
    annotations = mapping(at(resource.properties, "metadata", "annotations"))
    class_ = text(at(resource.properties, "spec", "ingressClassName")) or text(
        annotations.get("kubernetes.io/ingress.class")
    )
    if not class_ and not resource.partial:
        yield "names no ingress class, so whatever controller is the default takes it"
    if any(one in re.split(r"[-_.]", class_) for one in settings.texts("retired")):
        yield f"uses the class {class_}, whose controller gets no fixes any more; use the Gateway API"
    for key in annotations:
        if key.endswith("-snippet"):
            yield f"the annotation {key} lets its author run configuration inside the controller"


def _internal(service: Resource, settings: Settings) -> Iterator[str]:
    for address in texts(at(service.properties, "spec", "externalIPs")):
        yield f"takes the address {address} by externalIPs, which lets it answer for another machine (CVE-2020-8554)"
    kind = text(at(service.properties, "spec", "type")) or "ClusterIP"
    annotations = mapping(at(service.properties, "metadata", "annotations"))
    if kind in ("ClusterIP", "ExternalName"):
        return
    if kind == "LoadBalancer" and (_is_internal(annotations) or _is_bounded(service)):
        return
    allowed = settings.texts("ports")
    for port in mappings(at(service.properties, "spec", "ports")) or [{}]:
        number_ = number(port.get("port"))
        if kind == "NodePort" or number_ is None or f"{number_:g}" not in allowed:
            yield f"a {kind} on port {shown(number_)} is reachable from outside; allowed are {' and '.join(allowed)}"


def _is_internal(annotations: Properties) -> bool:
    return any(text(annotations.get(key)).lower() == value.lower() for key, value in INTERNAL)


def _is_bounded(service: Resource) -> bool:
    """True if only named addresses may come, none of them the whole internet."""
    blocks = texts(at(service.properties, "spec", "loadBalancerSourceRanges"))
    return bool(blocks) and not any(is_world(one) for one in blocks)


def _rate_limits(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    policies = [one for one in resources if one.type == RATE_LIMITS]
    most = settings.number("perMinute")

    def limited(policy: Resource, route: Resource, names: set[str]) -> bool:
        if namespace(policy) != namespace(route) or not _is_limit(policy, most):
            return False
        spec = mapping(policy.properties.get("spec"))
        targets = [*mappings(spec.get("targetRefs")), mapping(spec.get("targetRef"))]
        if any(text(one.get("name")) in names for one in targets):
            return True
        labels = mapping(at(route.properties, "metadata", "labels"))
        return any(selects(one, labels) for one in mappings(spec.get("targetSelectors")))

    def judged(route: Resource) -> Iterator[Judged]:
        open_ = [one for one in rules_of(route) if not only(one, settings.texts("unlimitedPaths"))]
        names = {object_name(route), *(text(one.get("name")) for one in parents(route))}
        if any(answers(one) for one in open_) and not any(limited(one, route, names) for one in policies):
            yield Violation("no BackendTrafficPolicy limits how often one client may call", route)

    yield from each([one for one in resources if one.type in ROUTES], judged)


def _is_limit(policy: Resource, most: float) -> bool:
    """True if a policy states a limit with effect: a number, not beyond any client's need."""
    limit = mapping(at(policy.properties, "spec", "rateLimit"))
    rules = [one for kind in ("local", "global") for one in mappings(at(limit, kind, "rules"))]
    rates = [
        (number(at(one, "limit", "requests")) or 0) * PER_MINUTE.get(text(at(one, "limit", "unit")), 0) for one in rules
    ]
    return bool(rates) and any(0 < one <= most for one in rates)


TLS_ONLY: Final = ResourceRule(
    id="HDR-06",
    name="tls-only",
    severity=Severity.CRITICAL,
    says="Plain HTTP only redirects; every other listener uses TLS 1.2 or 1.3.",
    why="Any hop on the way can read and change plain HTTP.",
    fix="Attach the route to the TLS listener by sectionName; let the plain one redirect with 301.",
    source="Checkov CKV_AWS_2, CKV_AWS_174, CKV_AWS_376; Gateway API",
    types=(GATEWAY, CLIENT_LIMITS, LISTENER, INGRESS, *ROUTES),
    check=_tls_only,
    tunables=(
        Tunable("plainListener", Kind.TEXT, "http", "name of the listener that only redirects"),
        Tunable("plainPaths", Kind.TEXTS, [], "paths that a load balancer may ask without TLS"),
    ),
    breaks=(
        Break("gateway", "/spec/listeners/1/protocol", "UDP"),
        Break("gateway", "/spec/listeners/1/tls"),
        Break("gateway", "/spec/listeners"),
        Break("client limits", "/spec/tls/minVersion", "1.0"),
        Break("client limits", "/spec/tls/minVersion"),
        Break("redirect", "/spec/rules/0/filters/0/requestRedirect/statusCode", 302),
        Break("redirect", "/spec/rules/0/filters"),
        Break("route", "/spec/parentRefs/0/sectionName", "http"),
        Break("route", "/spec/parentRefs/0/sectionName"),
        Break("route", "/spec/parentRefs"),
    ),
)

PLAIN_LISTENERS: Final = StackRule(
    id="HDR-06b",
    name="plain-listeners",
    severity=Severity.CRITICAL,
    says="What is attached to a listener of plain HTTP only redirects, whatever the listener is called.",
    why="A route that attaches by another name or by port answers in clear all the same.",
    fix="Attach the route to the TLS listener by sectionName; let the plain one redirect with 301.",
    source="Gateway API; Checkov CKV_AWS_2",
    types=(GATEWAY, *ROUTES),
    check=_plain_listeners,
    tunables=(Tunable("plainPaths", Kind.TEXTS, [], "paths that a load balancer may ask without TLS"),),
    breaks=(
        Break("gateway", "/spec/listeners/1/protocol", "HTTP"),
        Break("route", "/spec/parentRefs/0", {"name": "edge", "port": 80}),
    ),
)

RETIRED_INGRESS: Final = ResourceRule(
    id="HDR-08",
    name="retired-ingress",
    severity=Severity.HIGH,
    says="No Ingress of a retired controller, and no configuration snippets.",
    why="ingress-nginx was retired in March 2026 and gets no fixes; snippets read every secret (CVE-2021-25742).",
    fix="Declare an HTTPRoute instead.",
    source="Checkov CKV_K8S_152, 153, 154",
    types=(INGRESS, INGRESS_CLASS),
    of_parts=True,
    check=_retired,
    tunables=(Tunable("retired", Kind.TEXTS, ["nginx"], "ingress classes whose controller is retired"),),
    breaks=(
        Break("ingress", "/spec/ingressClassName", "nginx"),
        Break("ingress", "/spec/ingressClassName"),
        Break("ingress", "/metadata/annotations", {"nginx.ingress.kubernetes.io/server-snippet": "deny all;"}),
    ),
)

INTERNAL_SERVICES: Final = ResourceRule(
    id="WRK-06b",
    name="internal-services",
    severity=Severity.HIGH,
    says="Services are reachable from outside on 80 and 443 only.",
    why="A load balancer in front of a database or an admin port is the most common leak.",
    fix="Leave the Service a ClusterIP, and route to it at the edge.",
    source="NSA and CISA, Kubernetes hardening guide; Checkov CKV_AWS_260",
    types=(SERVICE,),
    check=_internal,
    tunables=(Tunable("ports", Kind.TEXTS, ["80", "443"], "ports that outsiders may reach"),),
    breaks=(
        Break("service", "/spec/type", "NodePort"),
        Break("service", "/spec", {"type": "LoadBalancer", "ports": [{"port": 5432}]}),
    ),
)

RATE_LIMITED: Final = StackRule(
    id="SCL-08",
    name="rate-limits",
    severity=Severity.HIGH,
    says="Every route that reaches a backend has a rate limit at the edge.",
    why="One client can otherwise use up the capacity of all, and the budget of a paid writer.",
    fix="Declare a BackendTrafficPolicy whose targetRefs name the route or its gateway.",
    source="OWASP API Security Top 10 2023, API4",
    types=(RATE_LIMITS, *ROUTES),
    check=_rate_limits,
    tunables=(
        Tunable("unlimitedPaths", Kind.TEXTS, [], "paths that may be asked as often as one likes"),
        Tunable("perMinute", Kind.NUMBER, 60_000, "most requests a minute that still count as a limit"),
    ),
    breaks=(
        Break("rate limits", ""),
        Break("rate limits", "/spec/rateLimit"),
        Break("rate limits", "/spec/targetRefs/0/name", "other"),
    ),
)

AREA: Final = "Edge"
RULES: Final = (TLS_ONLY, PLAIN_LISTENERS, RETIRED_INGRESS, INTERNAL_SERVICES, RATE_LIMITED)
