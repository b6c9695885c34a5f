"""Components on their own: type tokens, children under their component, two instances beside each other."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import Counter
from collections.abc import Callable

import pulumi
import pytest

import components
from components.data_network import DataNetwork, DataNetworkArgs
from components.edge import Edge
from tests.unit.engine import run
from tests.unit.makers import MAKERS, REGION, TOKENS
from tests.unit.makers.edge import edge_args


def declared_components() -> dict[str, type[pulumi.ComponentResource]]:
    """Every component class of the package."""
    found: dict[str, type[pulumi.ComponentResource]] = {}
    for module in pkgutil.iter_modules(components.__path__):
        for name, value in inspect.getmembers(importlib.import_module(f"components.{module.name}"), inspect.isclass):
            if issubclass(value, pulumi.ComponentResource) and value.__module__ == f"components.{module.name}":
                found[name] = value
    return found


@pytest.mark.requirement("S03")
def test_every_component_is_a_component_resource_and_keeps_its_type_token() -> None:
    made = run(lambda: [make(f"a{number}") for number, make in enumerate(MAKERS.values())])
    tokens = {one.type.rpartition(":")[2]: one.type for one in made.resources if not one.custom}
    assert tokens == TOKENS
    assert set(declared_components()) == set(TOKENS)


@pytest.mark.parametrize("kind", MAKERS)
def test_two_instances_of_a_component_stand_beside_each_other_in_one_namespace(kind: str) -> None:
    make = MAKERS[kind]

    def both() -> None:
        make("one")
        make("two")

    resources = run(both).resources
    urns = Counter(resource.urn for resource in resources)
    assert [urn for urn, count in urns.items() if count > 1] == []
    names = Counter(
        (one.type, one.at("metadata", "namespace"), one.at("metadata", "name"))
        for one in resources
        if one.at("metadata", "name") is not None
    )
    assert [name for name, count in names.items() if count > 1] == []
    assert kind == "namespace" or {namespace for _, namespace, _ in names} <= {"shared", None}
    counts = Counter(one.name[:3] for one in resources)
    assert counts["one"] == counts["two"] == len(resources) / 2


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_every_resource_of_a_component_is_its_child_and_begins_with_its_name(make: Callable[[str], object]) -> None:
    resources = run(lambda: make("it")).resources
    names = {one.name for one in resources if not one.custom}
    assert names
    for one in resources:
        assert one.name.startswith("it")
        assert not one.custom or one.parent.rpartition("::")[2] in names


def test_a_path_ending_in_a_slash_stands_for_everything_below_it() -> None:
    route = run(lambda: Edge("it", edge_args("it"))).one("HTTPRoute", "it-api-all")
    matches = [route.at("spec", "rules", 0, "matches", at, "path") for at in (0, 1)]
    assert matches == [{"type": "Exact", "value": "/"}, {"type": "PathPrefix", "value": "/api"}]


def test_the_network_of_managed_stores_is_the_given_one_and_none_is_made() -> None:
    def stores() -> None:
        DataNetwork("it", DataNetworkArgs(REGION, "vpc-1", ("subnet-1", "subnet-2"), "sg-1")).security_group(5432, "db")

    made = run(stores)
    assert made.one("SecurityGroup", "it-db").at("vpcId") == "vpc-1"
    assert made.one("SecurityGroupIngressRule").at("referencedSecurityGroupId") == "sg-1"
    assert not made.of("ec2/vpc:Vpc") + made.of("ec2/subnet:Subnet")
