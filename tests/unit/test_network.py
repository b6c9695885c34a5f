"""Allowed connections, computed from the network policies as a cluster would, for every pair of pods."""

from __future__ import annotations

from itertools import product

import pytest

from tests.unit.engine import Declared, Json, RecordingEngine
from tests.unit.program import Declare

PORTS = {
    "cpm": 8000,
    "im": 8000,
    "worker": 8000,
    "frontend": 3000,
    "pgbouncer": 5432,
    "postgres": 5432,
    "redis-cache": 6379,
    "redis-queue": 6379,
}
SERVICES = ("cpm", "im", "worker")
JOBS = ("migrate", "backup", "restore-check", "maintenance-daily", "maintenance-weekly", "maintenance-monthly")
REDIS = ("redis-cache", "redis-queue")
METADATA = "169.254.169.254/32"


def objects(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def pods(engine: RecordingEngine) -> dict[str, dict[str, Json]]:
    """The labels of each workload's pods."""
    found = {}
    for kind in ("Deployment", "StatefulSet", ":Job", "CronJob"):
        for one in engine.of(kind):
            template = ("spec", "jobTemplate", "spec", "template") if kind == "CronJob" else ("spec", "template")
            labels = one.at(*template, "metadata", "labels")
            assert isinstance(labels, dict)
            found[str(labels["app.kubernetes.io/name"])] = labels
    return found


def selects(selector: Json, labels: dict[str, Json]) -> bool:
    wanted = selector.get("matchLabels", {}) if isinstance(selector, dict) else {}
    assert isinstance(wanted, dict)
    return wanted.items() <= labels.items()


def allows(policy: Declared, way: str, peer: dict[str, Json], port: int) -> bool:
    """True if a policy lets its pods talk to a pod of the same namespace on a port, in or out."""
    side = {"ingress": "from", "egress": "to"}[way]
    for rule in objects(policy.at("spec", way)):
        known = any("podSelector" in one and selects(one["podSelector"], peer) for one in objects(rule.get(side)))
        if known and port in [one.get("port") for one in objects(rule.get("ports"))]:
            return True
    return False


def reaches(engine: RecordingEngine, caller: str, callee: str) -> bool:
    """Both ends must allow it: the caller's policies to go out, the callee's to come in."""
    labels = pods(engine)
    ends = {"egress": (labels[caller], labels[callee]), "ingress": (labels[callee], labels[caller])}
    return all(
        any(
            allows(policy, way, peer, PORTS[callee])
            for policy in engine.of("NetworkPolicy")
            if selects(policy.at("spec", "podSelector"), own)
        )
        for way, (own, peer) in ends.items()
    )


@pytest.mark.requirement("K11")
@pytest.mark.parametrize("stack", ["local", "dev"])
def test_between_pods_exactly_the_needed_ways_are_open(declare: Declare, stack: str) -> None:
    engine = declare(stack)
    everybody = pods(engine)
    jobs = (*JOBS, "seed") if stack == "dev" else JOBS
    open_ = {(one, other) for one, other in product(everybody, PORTS) if one != other and reaches(engine, one, other)}
    assert open_ == {
        *product((*SERVICES, *jobs), REDIS),
        *product(SERVICES, ("pgbouncer",)),
        # Who listens for notices, and who needs a session of its own, goes round the pooler.
        *product(("pgbouncer", "worker", *jobs), ("postgres",)),
        ("worker", "im"),
    }


@pytest.mark.requirement("K11")
def test_everything_is_denied_first_in_both_directions(every: RecordingEngine) -> None:
    denials = [one for one in every.of("NetworkPolicy") if one.at("metadata", "name") == "default-deny"]
    assert len(denials) == len(every.of("core/v1:Namespace"))
    for one in denials:
        assert one.at("spec") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.requirement("K11")
def test_every_pod_has_a_policy_of_its_own(every: RecordingEngine) -> None:
    own = [one for one in every.of("NetworkPolicy") if one.at("spec", "podSelector") != {}]
    assert all(one.at("spec", "policyTypes") == ["Ingress", "Egress"] for one in own), "a way that is not named is open"
    for name, labels in pods(every).items():
        assert any(selects(one.at("spec", "podSelector"), labels) for one in own), f"{name} has none"


@pytest.mark.requirement("A03")
def test_only_the_page_and_the_api_are_reached_from_the_edge(each: RecordingEngine) -> None:
    def from_edge(policy: Declared) -> bool:
        peers = [one for rule in objects(policy.at("spec", "ingress")) for one in objects(rule.get("from"))]
        return any("envoy-gateway-system" in str(one.get("namespaceSelector")) for one in peers)

    assert {one.at("metadata", "name") for one in each.of("NetworkPolicy") if from_edge(one)} == {"cpm", "frontend"}


def test_whoever_may_call_the_internet_may_not_ask_for_the_machines_credentials(every: RecordingEngine) -> None:
    for policy in every.of("NetworkPolicy"):
        for rule in objects(policy.at("spec", "egress")):
            for peer in objects(rule.get("to")):
                block = peer.get("ipBlock")
                if isinstance(block, dict) and block["cidr"] == "0.0.0.0/0":
                    assert block["except"] == [METADATA]
                    assert [one["port"] for one in objects(rule["ports"])] == [443]


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_managed_stores_are_reached_by_the_private_range_and_their_ports_only(declare: Declare, stack: str) -> None:
    for policy in declare(stack).of("NetworkPolicy"):
        ways = {
            (peer["ipBlock"]["cidr"], port["port"])
            for rule in objects(policy.at("spec", "egress"))
            for peer in objects(rule.get("to"))
            for port in objects(rule.get("ports"))
            if isinstance(peer.get("ipBlock"), dict)
        }
        ways -= {("169.254.20.10/32", 53)}
        assert ways <= {("192.168.0.0/16", 5432), ("192.168.0.0/16", 6379), ("0.0.0.0/0", 443)}
