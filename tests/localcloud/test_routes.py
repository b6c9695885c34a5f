"""The embedded edge chooses and changes as the Gateway API says."""

from __future__ import annotations

import pytest

from localcloud.runner.edge import forwarded, host_of, modified
from localcloud.runner.routes import Header, HeaderModifier, RouteSpec, choose, seconds


def _route(*rules: dict[str, object], section: str = "https", hosts: tuple[str, ...] = ()) -> tuple[str, RouteSpec]:
    parents = [{"name": "edge", "sectionName": section}]
    return "space", RouteSpec.model_validate({"parentRefs": parents, "hostnames": list(hosts), "rules": list(rules)})


def _rule(backend: str, *matches: tuple[str, str]) -> dict[str, object]:
    return {
        "matches": [{"path": {"type": kind, "value": value}} for kind, value in matches],
        "backendRefs": [{"name": backend, "port": 80}],
        "timeouts": {"request": "1m30s"},
    }


ROUTES = [
    _route(
        _rule("all", ("PathPrefix", "/api")),
        _rule("one", ("Exact", "/api/one")),
        _rule("deep", ("PathPrefix", "/api/a/b")),
    )
]


@pytest.mark.parametrize(
    ("path", "backend"),
    [("/api", "all"), ("/api/x", "all"), ("/api/one", "one"), ("/api/one/more", "all"), ("/api/a/b/c", "deep")],
)
def test_an_exact_path_wins_and_then_the_longest_prefix(path: str, backend: str) -> None:
    chosen = choose(ROUTES, "127.0.0.1", path)
    assert chosen is not None
    assert chosen.backend.name == backend


@pytest.mark.parametrize("path", ["/", "/apix", "/metrics"])
def test_a_path_that_no_rule_names_has_no_route(path: str) -> None:
    assert choose(ROUTES, "127.0.0.1", path) is None


def test_a_route_of_the_plain_http_listener_serves_nothing() -> None:
    assert choose([_route(_rule("all", ("PathPrefix", "/")), section="http")], "127.0.0.1", "/x") is None


HOSTS = [
    _route(_rule("page", ("Exact", "/")), hosts=("example.com",)),
    _route(_rule("site-api", ("PathPrefix", "/api")), hosts=("example.com",)),
    _route(_rule("api", ("PathPrefix", "/api")), hosts=("api.example.com",)),
]


@pytest.mark.parametrize(
    ("host", "path", "backend"),
    [
        ("example.com", "/", "page"),
        ("example.com", "/api/x", "site-api"),
        ("api.example.com", "/api/x", "api"),
        ("127.0.0.1", "/", "page"),
        ("localhost", "/api/x", "site-api"),
    ],
)
def test_a_known_host_has_its_own_routes_and_this_machine_has_them_all(host: str, path: str, backend: str) -> None:
    chosen = choose(HOSTS, host, path)
    assert chosen is not None
    assert chosen.backend.name == backend


@pytest.mark.parametrize("host", ["evil.example.net", "127.0.0.1.example.net", "", "0.0.0.0"])
def test_a_host_that_no_route_names_is_answered_by_none(host: str) -> None:
    assert choose(HOSTS, host, "/") is None
    assert choose(HOSTS, host, "/api/x") is None


def test_a_known_host_does_not_answer_for_another() -> None:
    assert choose(HOSTS, "api.example.com", "/") is None


@pytest.mark.parametrize(
    ("sent", "host"), [("example.com", "example.com"), ("127.0.0.1:8080", "127.0.0.1"), ("[::1]:8080", "[::1]")]
)
def test_the_port_is_no_part_of_the_host(sent: str, host: str) -> None:
    assert host_of([("Accept", "*/*"), ("HOST", sent)]) == host


def test_a_request_without_a_host_has_none() -> None:
    assert host_of([]) == ""


@pytest.mark.parametrize(("text", "value"), [("0s", None), ("300s", 300), ("1m30s", 90), ("500ms", 0.5)])
def test_durations_are_read_as_seconds(text: str, value: float | None) -> None:
    assert seconds(text) == value


def test_a_header_that_the_edge_sets_replaces_the_one_of_the_service() -> None:
    changed = modified(
        [("X-Frame-Options", "ALLOWALL"), ("server", "x")],
        HeaderModifier(set=[Header(name="x-frame-options", value="DENY")], remove=["Server"]),
        upgrade=False,
    )
    assert changed == [("connection", "close"), ("x-frame-options", "DENY")]


def test_a_client_cannot_claim_another_address() -> None:
    passed = dict(forwarded([("X-Forwarded-For", "1.2.3.4"), ("X-Real-IP", "1.2.3.4")], "127.0.0.1", upgrade=False))
    assert passed["x-forwarded-for"] == passed["x-real-ip"] == "127.0.0.1"
    assert "X-Forwarded-For" not in passed
    assert passed["x-forwarded-proto"] == "https"
