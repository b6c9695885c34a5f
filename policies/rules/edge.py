"""What is reachable from outside: TLS only, no retired controller, known origins, limits on use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.pods import namespace, object_name
from policies.reading import Properties, at, items, mapping, mappings, number, shown, text
from policies.rule import Break, Resource, ResourceRule, StackRule, Violation
from policies.rules.headers import ROUTE_TYPES
from policies.tunables import Kind, Settings, Tunable

GATEWAY: Final = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
CLIENT_LIMITS: Final = "kubernetes:gateway.envoyproxy.io/v1alpha1:ClientTrafficPolicy"
RATE_LIMITS: Final = "kubernetes:gateway.envoyproxy.io/v1alpha1:BackendTrafficPolicy"
LISTENER: Final = "aws:lb/listener:Listener"
INGRESS: Final = "kubernetes:networking.k8s.io/v1:Ingress"
SERVICE: Final = "kubernetes:core/v1:Service"
SAFE_TLS: Final = ("1.2", "1.3")
REDIRECTS: Final = (301, 308)


def _tls_only(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.type == GATEWAY:
        yield from _gateway(resource)
    elif resource.type == CLIENT_LIMITS:
        yield from _least_version(resource)
    elif resource.type == LISTENER:
        yield from _load_balancer(resource)
    else:
        yield from _route(resource, settings.text("plainListener"), settings.texts("plainPaths"))


def _gateway(resource: Resource) -> Iterator[str]:
    listeners = mappings(at(resource.properties, "spec", "listeners"))
    if not any(text(one.get("protocol")) in ("HTTPS", "TLS") for one in listeners):
        yield "no listener speaks TLS; add one with protocol HTTPS"
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
        if "TLS13" not in policy and "TLS-1-2" not in policy:
            yield f"sslPolicy is {policy or 'absent'}; allowed are those of TLS 1.2 and 1.3"
        return
    for action in mappings(resource.properties.get("defaultActions")) or [{}]:
        if text(at(action, "redirect", "protocol")) != "HTTPS":
            yield f"a listener of protocol {protocol or 'absent'} must only redirect to HTTPS"


def _route(resource: Resource, plain: str, paths: list[str]) -> Iterator[str]:
    parents = mappings(at(resource.properties, "spec", "parentRefs"))
    if not parents:
        yield "spec.parentRefs is absent, so nothing says that the route is on a TLS listener"
    sections = [text(one.get("sectionName")) for one in parents]
    rules = mappings(at(resource.properties, "spec", "rules"))
    if "" in sections:
        yield "a parent without sectionName attaches the route to the plain listener too; name the TLS one"
    if plain in sections:
        for index, rule in enumerate(rules):
            redirects = [mapping(one.get("requestRedirect")) for one in mappings(rule.get("filters"))]
            safe = [
                one for one in redirects if one.get("scheme") == "https" and number(one.get("statusCode")) in REDIRECTS
            ]
            if not only(rule, paths) and (items(rule.get("backendRefs")) or not safe):
                yield f"rules[{index}] answers on plain HTTP; it may only redirect to https with 301 or 308"


def only(rule: Properties, paths: list[str]) -> bool:
    """Whether a route's rule is for some of these paths and for nothing else. One that ends in / is all below it."""
    matches = [mapping(one.get("path")) for one in mappings(rule.get("matches"))]
    written = [text(one.get("value")) + ("/" if one.get("type") == "PathPrefix" else "") for one in matches]
    return bool(written) and all(one in paths for one in written)


def _retired(resource: Resource, settings: Settings) -> Iterator[str]:
    annotations = mapping(at(resource.properties, "metadata", "annotations"))
    class_ = text(at(resource.properties, "spec", "ingressClassName")) or text(
        annotations.get("kubernetes.io/ingress.class")
    )
    if not class_:
        yield "names no ingress class, so whatever controller is the default takes it"
    if class_ in settings.texts("retired"):
        yield f"uses the class {class_}, whose controller gets no fixes any more; use the Gateway API"
    for key in annotations:
        if key.endswith("-snippet"):
            yield f"the annotation {key} lets whoever writes it run configuration inside the controller"


def _origins(config: Resource, settings: Settings) -> Iterator[str]:
    key = settings.text("key")
    for origin in text(at(config.properties, "data", key)).split(","):
        if origin.strip() and (not origin.strip().startswith("https://") or "*" in origin):
            yield f"data.{key} allows {origin.strip()!r}; allowed are addresses that begin with https://, without *"


def _internal(service: Resource, settings: Settings) -> Iterator[str]:
    kind = text(at(service.properties, "spec", "type")) or "ClusterIP"
    if kind in ("ClusterIP", "ExternalName"):
        return
    allowed = settings.texts("ports")
    for port in mappings(at(service.properties, "spec", "ports")) or [{}]:
        number_ = number(port.get("port"))
        if kind == "NodePort" or f"{number_ or 0:g}" not in allowed:
            yield f"a {kind} on port {shown(number_)} is reachable from outside; allowed are {' and '.join(allowed)}"


def _rate_limits(resources: Sequence[Resource], settings: Settings) -> Iterator[Violation]:
    limited = {
        (namespace(policy), text(target.get("name")))
        for policy in resources
        if policy.type == RATE_LIMITS and at(policy.properties, "spec", "rateLimit") is not None
        for target in mappings(at(policy.properties, "spec", "targetRefs"))
    }
    for route in resources:
        if route.type not in ROUTE_TYPES:
            continue
        rules = [
            rule
            for rule in mappings(at(route.properties, "spec", "rules"))
            if not only(rule, settings.texts("unlimitedPaths"))
        ]
        parents = {text(one.get("name")) for one in mappings(at(route.properties, "spec", "parentRefs"))}
        names = {object_name(route), *parents}
        if any(items(rule.get("backendRefs")) for rule in rules) and not any(
            (namespace(route), name) in limited for name in names
        ):
            yield Violation("no BackendTrafficPolicy limits how often one client may call", route)


TLS_ONLY: Final = ResourceRule(
    id="HDR-06",
    name="tls-only",
    severity=Severity.CRITICAL,
    says="Plain HTTP only redirects; everything else speaks TLS 1.2 or 1.3.",
    why="Whoever is on the way reads and changes what goes over plain HTTP.",
    fix="Attach the route to the TLS listener by sectionName; let the plain one redirect with 301.",
    source="Checkov CKV_AWS_2, CKV_AWS_174, CKV_AWS_376; Gateway API",
    types=(GATEWAY, CLIENT_LIMITS, LISTENER, *ROUTE_TYPES),
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

RETIRED_INGRESS: Final = ResourceRule(
    id="HDR-08",
    name="retired-ingress",
    severity=Severity.HIGH,
    says="No Ingress of a retired controller, and no configuration snippets.",
    why="ingress-nginx was retired in March 2026 and gets no fixes; snippets read every secret (CVE-2021-25742).",
    fix="Declare an HTTPRoute instead.",
    source="Checkov CKV_K8S_152, 153, 154",
    types=(INGRESS,),
    check=_retired,
    tunables=(Tunable("retired", Kind.TEXTS, ["nginx"], "ingress classes whose controller is retired"),),
    breaks=(
        Break("ingress", "/spec/ingressClassName", "nginx"),
        Break("ingress", "/spec/ingressClassName"),
        Break("ingress", "/metadata/annotations", {"nginx.ingress.kubernetes.io/server-snippet": "deny all;"}),
    ),
)

KNOWN_ORIGINS: Final = ResourceRule(
    id="HDR-09",
    name="known-origins",
    severity=Severity.HIGH,
    says="Other sites may call the API only from listed https addresses.",
    why="With * any page that a user visits may act in the user's name.",
    fix="List the origins, each beginning with https://.",
    source="OWASP, cross-origin resource sharing",
    types=("kubernetes:core/v1:ConfigMap",),
    check=_origins,
    tunables=(Tunable("key", Kind.TEXT, "CORS_ORIGINS", "key of the config map that lists the origins"),),
    breaks=(
        Break("config", "/data/CORS_ORIGINS", "*"),
        Break("config", "/data/CORS_ORIGINS", "https://shop.example.com,http://shop.example.com"),
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
    why="One client can otherwise use up everybody's capacity, and the budget of a paid writer.",
    fix="Declare a BackendTrafficPolicy whose targetRefs name the route or its gateway.",
    source="OWASP API Security Top 10 2023, API4",
    types=(RATE_LIMITS, *ROUTE_TYPES),
    check=_rate_limits,
    tunables=(Tunable("unlimitedPaths", Kind.TEXTS, [], "paths that may be asked as often as one likes"),),
    breaks=(
        Break("rate limits", ""),
        Break("rate limits", "/spec/rateLimit"),
        Break("rate limits", "/spec/targetRefs/0/name", "other"),
    ),
)

RULES: Final = (TLS_ONLY, RETIRED_INGRESS, KNOWN_ORIGINS, INTERNAL_SERVICES, RATE_LIMITED)
