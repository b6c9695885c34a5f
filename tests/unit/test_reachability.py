"""Every workload reaches its stores and nobody else does, by a model of network policies and security groups."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace

import pytest

from localcloud.reachability.network_policies import Endpoint, Policy, allows
from localcloud.reachability.security_groups import IngressRule, admits
from ops.stack_files import read
from tests.unit.engine import RecordingEngine
from tests.unit.program import CONTENT_STACKS, NETWORK, ROOT, declared

NODES = frozenset({NETWORK["client_security_group_id"]})
POD_RANGES = {"10/8": "10.1.2.", "192.168/16": "192.168.7.", "100.64/10": "100.64.3."}
JOBS = {"migrate", "backup", "restore-check", "maintenance-daily", "maintenance-weekly", "maintenance-monthly"}
POOLED = {"cpm", "im", "worker"}
NEEDS = {
    ("pgbouncer", 5432): POOLED | {"keda"},
    ("postgres", 5432): JOBS | {"pgbouncer", "worker"},
    ("redis-cache", 6379): JOBS | POOLED,
    ("redis-queue", 6379): JOBS | POOLED,
}
"""Workloads that must reach a store, and nobody else."""
OTHERS = {"frontend", "stranger", "envoy-gateway-system", "monitoring"}
ELSEWHERE = {"keda", "envoy-gateway-system", "monitoring"}


def endpoint(name: str, pods: str, number: int = 9) -> Endpoint:
    """A pod of ours by its component, or one of another namespace."""
    if name in ELSEWHERE:
        return Endpoint(f"{pods}{number}", name, {"app.kubernetes.io/name": name}, groups=NODES)
    labels = {"app.kubernetes.io/part-of": "contentgen", "app.kubernetes.io/name": name}
    return Endpoint(f"{pods}{number}", "contentgen", labels, groups=NODES)


def policies(engine: RecordingEngine, region: str) -> list[Policy]:
    found = [one for one in engine.of("networking.k8s.io/v1:NetworkPolicy") if f"-{region}-" in one.name]
    return [Policy(str(one.at("metadata", "namespace")), one.inputs["spec"]) for one in found]  # type: ignore[arg-type]


def rules(engine: RecordingEngine) -> list[IngressRule]:
    return [
        IngressRule(
            str(one.at("securityGroupId")), int(str(one.at("fromPort"))), int(str(one.at("toPort"))),
            str(one.at("referencedSecurityGroupId") or ""), str(one.at("cidrIpv4") or ""),
        )
        for one in engine.of("securityGroupIngressRule:SecurityGroupIngressRule")
    ]  # fmt: skip


def stores(engine: RecordingEngine, region: str, pods: str) -> Mapping[str, Endpoint]:
    """The stores of a region: pods of ours, or managed ones in the subnets with their security group."""
    found = {"pgbouncer": replace(endpoint("pgbouncer", pods, 2), groups=frozenset())}
    for number, name in enumerate(("postgres", "redis-cache", "redis-queue"), 10):
        groups = [
            one for one in engine.of("ec2/securityGroup:SecurityGroup") if f"-{region}-network-{name}" in one.name
        ]
        managed = Endpoint(f"192.168.1.{number}", groups=frozenset(f"{one.name}-id" for one in groups))
        found[name] = replace(managed) if groups else replace(endpoint(name, pods, number), groups=frozenset())
    return found


Reached = dict[tuple[str, int], set[str]]


def reached(engine: RecordingEngine, region: str, pods: str, without: int | None = None) -> Reached:
    """Workloads that reach each store."""
    listed = policies(engine, region)
    if without is not None:
        del listed[without]
    return {
        (name, port): {
            who
            for who in JOBS | POOLED | OTHERS | {"pgbouncer", "keda", "seed"}
            if who != name
            and allows(listed, endpoint(who, pods), stores(engine, region, pods)[name], port)
            and admits(rules(engine), endpoint(who, pods), stores(engine, region, pods)[name], port)
        }
        for name, port in NEEDS
    }


def needs(stack: str) -> Reached:
    """As NEEDS; where data is made up, the job that makes it works on the stores too."""
    seeding = {"seed"} if stack == "dev" else set()
    return {store: who | (seeding if store[0] != "pgbouncer" else set()) for store, who in NEEDS.items()}


def in_this_namespace(found: Reached) -> Reached:
    """Pods of other namespaces bring their own policies; the model has ours alone."""
    return {store: who - (ELSEWHERE if store[0] != "pgbouncer" else set()) for store, who in found.items()}


@pytest.mark.parametrize("pods", POD_RANGES.values(), ids=POD_RANGES)
@pytest.mark.parametrize("stack", CONTENT_STACKS)
def test_every_workload_reaches_its_stores_and_nothing_else_does(stack: str, pods: str) -> None:
    settings = read(ROOT, stack)
    engine = declared(stack, settings)
    for region in settings.regions:
        assert in_this_namespace(reached(engine, region, pods)) == needs(stack)
        if not stores(engine, region, pods)["postgres"].groups:
            assert reached(engine, region, pods) == needs(stack)


@pytest.mark.requirement("Y08")
@pytest.mark.parametrize("pods", POD_RANGES.values(), ids=POD_RANGES)
def test_nothing_outside_the_cluster_reaches_a_managed_store(pods: str) -> None:
    engine = declared("prod", read(ROOT, "prod"))
    neighbour = Endpoint(f"{pods}200")
    for name in ("postgres", "redis-cache", "redis-queue"):
        target = stores(engine, "us-east-1", pods)[name]
        assert target.groups
        assert not any(admits(rules(engine), neighbour, target, port) for port in (5432, 6379))


def test_a_store_whose_group_admits_nobody_is_noticed() -> None:
    engine = declared("prod", read(ROOT, "prod"))
    target = stores(engine, "us-east-1", "100.64.3.")["postgres"]
    pooler = endpoint("pgbouncer", "100.64.3.")
    assert admits(rules(engine), pooler, target, 5432)
    lost = [replace(one, source_group="sg-another") for one in rules(engine)]
    assert not admits(lost, pooler, target, 5432)
    assert not admits(rules(engine), pooler, target, 5433)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_each_policy_of_a_workload_that_is_taken_away_or_narrowed_is_noticed(stack: str) -> None:
    engine = declared(stack, read(ROOT, stack))
    listed = policies(engine, "us-east-1")
    for number, one in enumerate(listed):
        name = one.spec["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")  # type: ignore[union-attr]
        if name in POOLED | JOBS | {"pgbouncer"}:
            assert in_this_namespace(reached(engine, "us-east-1", "10.1.2.", number)) != needs(stack), name


def test_a_store_that_opens_to_everybody_is_noticed() -> None:
    engine = declared("dev", read(ROOT, "dev"))
    target, stranger = stores(engine, "us-east-1", "10.1.2.")["postgres"], endpoint("stranger", "10.1.2.")
    listed = policies(engine, "us-east-1")
    free = [one for one in listed if not one.selects(stranger)]
    assert not allows(free, stranger, target, 5432)
    opened = copy.deepcopy(free)
    for one in opened:
        if one.selects(target):
            one.spec["ingress"].append({})  # type: ignore[union-attr,attr-defined]
    assert allows(opened, stranger, target, 5432)


A, B = Endpoint("10.0.0.1", "a", {"app": "x"}), Endpoint("10.0.0.2", "b", {"app": "y"}, {"http": 8080})
NAMED = {"matchLabels": {"kubernetes.io/metadata.name": "a"}}
RULES = [
    ("no policy is open", None, True),
    ("no rule is closed", [], False),
    ("an empty rule is open", [{}], True),
    ("a pod selector means the policy's own namespace", [{"from": [{"podSelector": {}}]}], False),
    ("a namespace selector means every pod of it", [{"from": [{"namespaceSelector": NAMED}]}], True),
    (
        "both in one peer is one condition",
        [{"from": [{"namespaceSelector": NAMED, "podSelector": {"matchLabels": {"app": "z"}}}]}],
        False,
    ),
    (
        "two peers are two conditions",
        [{"from": [{"namespaceSelector": NAMED}, {"podSelector": {"matchLabels": {"app": "z"}}}]}],
        True,
    ),
    ("a block", [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}], True),
    ("a block without these", [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/30"]}}]}], False),
    ("a port by number", [{"ports": [{"port": 8080}]}], True),
    ("another port", [{"ports": [{"port": 80}]}], False),
    ("a port by name", [{"ports": [{"port": "http"}]}], True),
    ("another name", [{"ports": [{"port": "metrics"}]}], False),
    ("a range of ports", [{"ports": [{"port": 8000, "endPort": 8100}]}], True),
    ("another protocol", [{"ports": [{"port": 8080, "protocol": "UDP"}]}], False),
    (
        "an expression",
        [{"from": [{"namespaceSelector": {}, "podSelector": {"matchExpressions": [
            {"key": "app", "operator": "NotIn", "values": ["x"]}]}}]}],
        False,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("ingress", "open_"), [one[1:] for one in RULES], ids=[one[0] for one in RULES])
def test_a_policy_means_what_the_documentation_says(ingress: list[object] | None, open_: bool) -> None:
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": ingress}
    listed = [] if ingress is None else [Policy("b", spec)]
    assert allows(listed, A, B, 8080) is open_


def test_both_sides_must_agree() -> None:
    closed = Policy("a", {"podSelector": {}, "policyTypes": ["Egress"]})
    assert not allows([closed], A, B, 8080)
    assert allows([closed], B, A, 8080)
