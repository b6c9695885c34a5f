"""The public edge: which paths with which limits, by the Gateway API and by ingress-nginx."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from app.limits import KEEP_ALIVE_SECONDS
from components.edge import Edge
from components.edge_ingress import IngressEdge
from infra.catalog.headers import SECURITY_HEADERS
from infra.catalog.regions import BY_CODE, REGIONS
from infra.settings.access import AdminSettings
from infra.settings.edge import EdgeKind
from infra.settings.stack import StackSettings
from ops.stack_files import read
from stacks.specs.route import Affinity
from tests.unit.engine import Declared, Json, RecordingEngine, run
from tests.unit.makers.edge import edge_args
from tests.unit.program import ROOT, Declare, declared

CALLS = {
    "generate": {("Second", 5), ("Minute", 60)},
    "live": {("Second", 20), ("Minute", 600)},
    "api": {("Second", 20), ("Minute", 600)},
}
LIMITS = {
    **{f"{host}-{group}": limit for host in ("site", "api") for group, limit in CALLS.items()},
    "site-page": {("Second", 50), ("Minute", 1800)},
    "api-health": None,
    "api-webhooks": {("Second", 20), ("Minute", 600)},
    "region-health": None,
    "region-others": {("Second", 200), ("Minute", 6000)},
}
TIMES = {
    "generate": "60s",
    "live": "86400s",
    "api": "300s",
    "page": "300s",
    "health": "10s",
    "webhooks": "60s",
    "others": "60s",
}
"""Requirement K15: a burst in one second, and the sustained rate over a minute."""


def changed(**edge: object) -> RecordingEngine:
    """The dev stack with other edge settings."""
    settings: StackSettings = read(ROOT, "dev")
    return declared("dev", settings.model_copy(update={"edge": settings.edge.model_copy(update=edge)}))


def mapping(value: Json) -> Mapping[str, Json]:
    assert isinstance(value, dict)
    return value


def items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def texts(value: Json) -> list[str]:
    return [str(one) for one in items(value)]


def hostnames(gateway: Declared) -> list[str]:
    """Of the listeners that end TLS."""
    return [str(mapping(one)["hostname"]) for one in items(gateway.at("spec", "listeners")) if "tls" in mapping(one)]


def by_name(engine: RecordingEngine, kind: str) -> dict[str, Declared]:
    return {str(one.at("metadata", "name")): one for one in engine.of(kind)}


@pytest.mark.requirement("K15")
def test_every_route_has_the_limits_of_one_client_that_the_documents_want(each: RecordingEngine) -> None:
    policies = by_name(each, "BackendTrafficPolicy")
    assert set(policies) == set(LIMITS)
    for name, wanted in LIMITS.items():
        rules = policies[name].at("spec", "rateLimit", "local", "rules")
        if wanted is None:
            assert rules is None
            continue
        assert isinstance(rules, list)
        assert {(mapping(rule["limit"])["unit"], mapping(rule["limit"])["requests"]) for rule in rules} == wanted
        for rule in rules:
            assert rule["clientSelectors"] == [{"sourceCIDR": {"type": "Distinct", "value": "0.0.0.0/0"}}]


@pytest.mark.requirement("E08")
@pytest.mark.requirement("K14")
def test_bodies_time_limits_and_tls_are_the_documents(each: RecordingEngine) -> None:
    policies = by_name(each, "BackendTrafficPolicy")
    buffers = {name: one.at("spec", "requestBuffer", "limit") for name, one in policies.items()}
    assert buffers == {name: None if name.endswith("-live") else "10Mi" for name in LIMITS}
    times = {name: one.at("spec", "timeout", "http", "requestTimeout") for name, one in policies.items()}
    assert times == {name: TIMES[name.partition("-")[2]] for name in LIMITS}
    assert {one.at("spec", "timeout", "tcp", "connectTimeout") for one in policies.values()} == {"60s"}
    for clients in each.of("ClientTrafficPolicy"):
        assert clients.at("spec", "tls", "minVersion") == "1.2"
        assert clients.at("spec", "tls", "maxVersion") is None


@pytest.mark.requirement("A16")
@pytest.mark.requirement("K20")
def test_ciphers_are_ephemeral_and_authenticated_sessions_are_not_resumed_and_answers_are_compressed(
    every: RecordingEngine,
) -> None:
    for clients in every.of("ClientTrafficPolicy"):
        ciphers = clients.at("spec", "tls", "ciphers")
        assert isinstance(ciphers, list)
        assert ciphers
        assert all(str(one).startswith("ECDHE-") and "-GCM-" in str(one) for one in ciphers)
        assert clients.at("spec", "tls", "session") is None
        assert clients.at("spec", "headers", "requestID") == "PreserveOrGenerate"
    for policy in every.of("BackendTrafficPolicy"):
        assert policy.at("spec", "compression") == [{"type": "Brotli"}, {"type": "Gzip"}]


@pytest.mark.requirement("K20")
@pytest.mark.requirement("K15")
def test_a_clients_address_is_that_of_its_connection_whatever_it_says_itself(every: RecordingEngine) -> None:
    """Envoy Gateway has a proxy believe X-Forwarded-For as soon as a policy detects clients by it, with 0 hops too."""
    for clients in every.of("ClientTrafficPolicy"):
        assert clients.at("spec", "clientIPDetection") is None
        set_early = clients.at("spec", "headers", "earlyRequestHeaders", "set")
        assert set_early == [{"name": "X-Real-IP", "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}]


@pytest.mark.requirement("K20")
def test_every_request_is_logged_with_the_headers_that_lead_to_its_client_and_without_its_path(
    every: RecordingEngine,
) -> None:
    for proxy in every.of("EnvoyProxy"):
        log = mapping(proxy.at("spec", "telemetry", "accessLog", "settings", 0))
        assert log["sinks"] == [{"type": "File", "file": {"path": "/dev/stdout"}}]
        form = mapping(log["format"])
        assert form["type"] == "JSON"
        fields = mapping(form["json"])
        headers = ("X-REAL-IP", "X-FORWARDED-FOR", "X-FORWARDED-PROTO", "X-REQUEST-ID")
        assert {f"%REQ({name})%" for name in headers} <= set(fields.values())
        assert {"%RESPONSE_CODE%", "%DURATION%", "%ROUTE_NAME%"} <= set(fields.values())
        assert not any("PATH" in str(value) for value in fields.values())


@pytest.mark.requirement("K20")
def test_connections_to_instances_are_kept_but_no_longer_than_the_application_keeps_them(
    every: RecordingEngine,
) -> None:
    assert KEEP_ALIVE_SECONDS == 75
    for policy in every.of("BackendTrafficPolicy"):
        assert policy.at("spec", "timeout", "http", "connectionIdleTimeout") == "60s"
        assert policy.at("spec", "tcpKeepalive") == {"idleTime": "60s", "interval": "15s", "probes": 3}


@pytest.mark.requirement("K20")
def test_an_answer_may_pause_for_five_minutes(every: RecordingEngine) -> None:
    for clients in every.of("ClientTrafficPolicy"):
        assert clients.at("spec", "timeout", "http", "streamIdleTimeout") == "300s"


def test_a_policy_hangs_on_the_route_of_its_name(every: RecordingEngine) -> None:
    routes = set(by_name(every, "HTTPRoute"))
    for name, policy in by_name(every, "BackendTrafficPolicy").items():
        assert policy.at("spec", "targetRefs", 0, "name") == name
        assert name in routes


@pytest.mark.requirement("K14")
def test_the_certificate_is_for_the_stacks_names_and_renewed_a_month_before_its_end(every: RecordingEngine) -> None:
    for certificate in every.of("Certificate"):
        if not certificate.custom:
            continue
        (gateway,) = [one for one in every.of("Gateway") if one.provider == certificate.provider]
        assert sorted(texts(certificate.at("spec", "dnsNames"))) == sorted(hostnames(gateway))
        assert certificate.at("spec", "renewBefore") == "720h"
        assert certificate.at("spec", "privateKey", "rotationPolicy") == "Always"
        secret = every.of("Gateway")[0].at("spec", "listeners", 1, "tls", "certificateRefs", 0, "name")
        assert certificate.at("spec", "secretName") == secret


@pytest.mark.requirement("K14")
def test_certificates_are_issued_by_records_of_the_stacks_own_zone(every: RecordingEngine) -> None:
    for issuer in every.of("Issuer"):
        solver = mapping(items(issuer.at("spec", "acme", "solvers"))[0])
        assert set(solver) == {"selector", "dns01"}
        assert mapping(mapping(solver["dns01"])["route53"])["hostedZoneID"]


def test_further_names_of_the_certificate_and_its_address_come_from_the_stack_file() -> None:
    engine = changed(certificate_names=("www.dev.contentgen.example.com",), certificate_email="ops@example.com")
    (certificate,) = [one for one in engine.of("Certificate") if one.custom]
    names = certificate.at("spec", "dnsNames")
    domain = "dev.contentgen.example.com"
    assert names == [domain, f"api.{domain}", f"edge-us-east-1.{domain}", f"www.{domain}"]
    assert engine.one("Issuer").at("spec", "acme", "email") == "ops@example.com"


@pytest.mark.requirement("A05")
def test_the_load_balancer_asks_for_health_every_30_seconds_through_the_gateway(every: RecordingEngine) -> None:
    prefix = "service.beta.kubernetes.io/aws-load-balancer"
    for proxy in every.of("EnvoyProxy"):
        found = mapping(proxy.at("spec", "provider", "kubernetes", "envoyService", "annotations"))
        health = {key.removeprefix(f"{prefix}-healthcheck-"): value for key, value in found.items() if "health" in key}
        # 10080 is plain HTTP for both target groups: asked on its own port, that of 443 never gets healthy.
        assert health == {"protocol": "HTTP", "port": "10080", "path": "/health", "interval": "30", "timeout": "10"}
    assert len(every.of("EnvoyProxy")) == len(every.of("Gateway"))
    for gateway in every.of("Gateway"):
        wanted = {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": "edge"}
        assert gateway.at("spec", "infrastructure") == {"parametersRef": wanted}


@pytest.mark.parametrize(("stack", "instances"), [("local", 1), ("dev", 1), ("staging", 2), ("prod", 2)])
def test_the_edge_has_two_proxies_apart_where_people_rely_on_it(declare: Declare, stack: str, instances: int) -> None:
    for proxy in declare(stack).of("EnvoyProxy"):
        kubernetes = mapping(proxy.at("spec", "provider", "kubernetes"))
        deployment = mapping(kubernetes["envoyDeployment"])
        assert deployment["replicas"] == instances
        (spread,) = items(mapping(deployment["pod"])["topologySpreadConstraints"])
        assert mapping(spread)["topologyKey"] == "topology.kubernetes.io/zone"
        assert kubernetes.get("envoyPDB") == ({"minAvailable": 1} if instances == 2 else None)
        assert proxy.at("spec", "shutdown") == {"drainTimeout": "60s", "minDrainDuration": "15s"}


@pytest.mark.requirement("K16")
def test_a_sticky_service_keeps_a_client_at_the_edge_and_inside() -> None:
    sticky = run(lambda: Edge("it", edge_args("it", sticky=True))).one("BackendTrafficPolicy")
    assert sticky.at("spec", "loadBalancer", "consistentHash", "type") == "Cookie"
    assert run(lambda: Edge("it", edge_args("it"))).one("BackendTrafficPolicy").at("spec", "loadBalancer") is None
    settings = read(ROOT, "dev").model_dump(mode="json", exclude_none=True)
    settings["services"] = {"cpm": {"sticky": True}}
    engine = declared("dev", StackSettings.model_validate(settings))
    affinity = {str(one.at("metadata", "name")): one.at("spec", "sessionAffinity") for one in engine.of("v1:Service")}
    assert affinity["cpm"] == "ClientIP"
    assert affinity["im"] == "None"


@pytest.mark.requirement("K16")
def test_ingress_nginx_hashes_by_address_where_the_gateway_does() -> None:
    args = replace(edge_args("it"), affinity={"cpm": Affinity.URI})
    for one in run(lambda: IngressEdge("it", args)).of("Ingress"):
        annotations = one.at("metadata", "annotations")
        assert isinstance(annotations, dict)
        (backend,) = {
            path["backend"]["service"]["name"]
            for path in one.at("spec", "rules", 0, "http", "paths")  # type: ignore[union-attr]
        }
        hashed = annotations.get("nginx.ingress.kubernetes.io/upstream-hash-by")
        assert hashed == ("$request_uri" if backend == "cpm" else None)


@pytest.mark.requirement("K16")
def test_an_instance_is_behind_its_service_only_while_it_can_serve(every: RecordingEngine) -> None:
    for one in every.of("apps/v1:Deployment"):
        probe = one.at("spec", "template", "spec", "containers", 0, "readinessProbe")
        assert isinstance(probe, dict)
        assert probe["failureThreshold"] == 3
    for one in every.of("core/v1:Service"):
        spec = one.at("spec")
        assert isinstance(spec, dict)
        if spec.get("clusterIP") != "None":
            assert "publishNotReadyAddresses" not in spec


def backends(engine: RecordingEngine, host: str) -> dict[str, Json]:
    """Service that answers each path of a host."""
    return {
        str(mapping(mapping(match)["path"])["value"]): mapping(rules[0])["name"]
        for route in engine.of("HTTPRoute")
        if route.at("spec", "hostnames") == [host]
        for match in items(route.at("spec", "rules", 0, "matches"))
        if (rules := items(route.at("spec", "rules", 0, "backendRefs")))
    }


@pytest.mark.requirement("A03")
@pytest.mark.requirement("K01")
def test_the_domain_shows_the_page_and_passes_its_calls_to_the_api_on_the_same_origin(each: RecordingEngine) -> None:
    domain = next(str(one.at("name")) for one in each.of("route53/zone:Zone"))
    site = backends(each, domain)
    assert {path for path, service in site.items() if service == "frontend"} == {"/", "/static"}
    assert {"/generate", "/status", "/jobs", "/api", "/ws"} <= {
        path for path, service in site.items() if service == "cpm"
    }
    assert "/metrics" not in site
    api = backends(each, f"api.{domain}")
    assert set(api.values()) == {"cpm"}
    assert {"/generate", "/api", "/health", "/webhooks"} <= set(api)


@pytest.mark.requirement("A03")
def test_a_text_may_take_sixty_seconds_under_both_names(each: RecordingEngine) -> None:
    routes = by_name(each, "HTTPRoute")
    for host in ("site", "api"):
        assert routes[f"{host}-generate"].at("spec", "rules", 0, "timeouts", "request") == "60s"


@pytest.mark.requirement("A03")
def test_every_place_of_the_documents_edge_has_a_region(declare: Declare) -> None:
    places = {place: region.code for region in REGIONS for place in region.edges}
    assert places == {
        "iad1": "us-east-1", "sfo1": "us-east-1", "lhr1": "eu-west-1", "hnd1": "ap-southeast-1",
    }  # fmt: skip
    for region in places.values():
        assert declare("prod").one("GenerationService", f"{region}-frontend")


def test_administration_is_reached_only_where_the_stack_names_addresses() -> None:
    def admitted(networks: tuple[str, ...]) -> RecordingEngine:
        settings = read(ROOT, "dev")
        return declared("dev", settings.model_copy(update={"admin": AdminSettings(networks=networks)}))

    assert "api-admin" not in by_name(admitted(()), "HTTPRoute")
    opened = admitted(("203.0.113.0/24", "198.51.100.7"))
    assert by_name(opened, "HTTPRoute")["api-admin"].at("spec", "hostnames") == ["api.dev.contentgen.example.com"]
    assert "api-admin" in by_name(opened, "BackendTrafficPolicy")
    config = next(one for one in opened.of("ConfigMap") if one.name.endswith("-cpm-config"))
    assert config.at("data", "ALLOWED_ADMIN_IPS") == "203.0.113.0/24,198.51.100.7"


@pytest.mark.parametrize("prefix", ["external-dns.kubernetes.io", "external-dns.alpha.kubernetes.io"])
def test_each_name_has_one_maker_of_its_dns_record_for_old_and_new_controllers(declare: Declare, prefix: str) -> None:
    """The API's records are the stack's own; of the others only the cluster knows where its load balancer is."""
    for route in declare("prod").of("HTTPRoute"):
        notes = mapping(route.at("metadata", "annotations"))
        told = {key.removeprefix(f"{prefix}/"): value for key, value in notes.items() if key.startswith(f"{prefix}/")}
        region = next(code for code in BY_CODE if code in route.name)
        host = str(route.at("metadata", "name")).partition("-")[0]
        assert told == {
            "site": {"set-identifier": region, "aws-region": region},
            "region": {},
        }.get(host, {"controller": "none"})


def test_the_health_checks_of_a_region_ask_a_name_that_its_gateway_answers_to(declare: Declare) -> None:
    prod = declare("prod")
    answered = {name for gateway in prod.of("Gateway") for name in hostnames(gateway)}
    for check in prod.of("HealthCheck"):
        assert check.at("fqdn") in answered
        assert backends(prod, str(check.at("fqdn")))[str(check.at("resourcePath"))] == "cpm"


def test_a_cluster_with_ingress_nginx_gets_the_same_paths_limits_and_headers(declare: Declare) -> None:
    ingress, gateway = changed(kind=EdgeKind.INGRESS), declare("dev")
    assert ingress.of("Gateway") == ingress.of("HTTPRoute") == []
    prefix = "nginx.ingress.kubernetes.io"
    found = by_name(ingress, "Ingress")
    assert set(found) == set(LIMITS)
    for name, one in found.items():
        notes = mapping(one.at("metadata", "annotations"))
        assert notes[f"{prefix}/proxy-body-size"] == "10m"
        assert notes[f"{prefix}/force-ssl-redirect"] == "true"
        snippet = str(notes[f"{prefix}/configuration-snippet"])
        for header, value in SECURITY_HEADERS.items():
            assert f'more_set_headers "{header}: {value}";' in snippet
        limit = LIMITS[name]
        assert (f"{prefix}/limit-rps" in notes) == (limit is not None)
        if limit is not None:
            rate = int(str(notes[f"{prefix}/limit-rps"]))
            assert ("Minute", rate * 60) in limit
        route = by_name(gateway, "HTTPRoute")[name]
        matches = route.at("spec", "rules", 0, "matches")
        paths = one.at("spec", "rules", 0, "http", "paths")
        assert isinstance(matches, list)
        assert isinstance(paths, list)
        assert [path["path"] for path in paths] == [mapping(match["path"])["value"] for match in matches]


@pytest.mark.requirement("K20")
def test_by_ingress_nginx_a_body_may_pause_for_five_minutes() -> None:
    for one in changed(kind=EdgeKind.INGRESS).of("Ingress"):
        annotations = mapping(one.at("metadata", "annotations"))
        assert annotations["nginx.ingress.kubernetes.io/proxy-send-timeout"] == "300"


def test_an_ingress_waits_for_no_address_of_a_controller_that_may_come_later() -> None:
    for one in run(lambda: IngressEdge("it", edge_args("it"))).of("Ingress"):
        if one.custom:
            assert one.at("metadata", "annotations", "pulumi.com/skipAwait") == "true"
