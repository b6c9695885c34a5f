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
from components.application_job import ApplicationJob, ApplicationJobArgs
from components.application_secrets import ApplicationSecrets, ApplicationSecretsArgs
from components.autoscaler import Autoscaler, AutoscalerArgs
from components.backup_bucket import BackupBucket, BackupBucketArgs
from components.budget import Budget, BudgetArgs
from components.data_network import DataNetwork, DataNetworkArgs
from components.edge import Edge, EdgeArgs, RouteRule
from components.generation_service import GenerationService, GenerationServiceArgs, Resources
from components.namespace import Namespace
from components.network_policy import Traffic
from components.postgres import DatabaseEndpoint
from components.postgres_cluster import ClusterPostgres, ClusterPostgresArgs
from components.postgres_managed import ManagedPostgres, ManagedPostgresArgs
from components.redis import RedisEndpoint, Role
from components.redis_cluster import ClusterRedis, ClusterRedisArgs
from components.redis_managed import ManagedRedis, ManagedRedisArgs
from components.routing import HealthCheck, Routing, RoutingArgs
from infra.regions import REGIONS
from stacks.routing import edge_name, routing_table
from tests.unit.engine import run

REGION = "us-east-1"
RESOURCES = Resources("250m", "1000m", "256Mi", "1Gi")

TOKENS = {
    "ApplicationJob": "contentgen:kubernetes:ApplicationJob",
    "ApplicationSecrets": "contentgen:data:ApplicationSecrets",
    "Autoscaler": "contentgen:kubernetes:Autoscaler",
    "BackupBucket": "contentgen:backup:BackupBucket",
    "Budget": "contentgen:cost:Budget",
    "ClusterPostgres": "contentgen:data:ClusterPostgres",
    "ClusterRedis": "contentgen:data:ClusterRedis",
    "DataNetwork": "contentgen:data:DataNetwork",
    "Edge": "contentgen:edge:Edge",
    "GenerationService": "contentgen:kubernetes:GenerationService",
    "ManagedPostgres": "contentgen:data:ManagedPostgres",
    "ManagedRedis": "contentgen:data:ManagedRedis",
    "Namespace": "contentgen:kubernetes:Namespace",
    "Routing": "contentgen:edge:Routing",
    "StatefulStore": "contentgen:data:StatefulStore",
}
"""State files hold these: a changed token without an alias replaces every child."""


def network(name: str) -> DataNetwork:
    return DataNetwork(f"{name}-network", DataNetworkArgs(REGION, 40))


def secrets(name: str) -> ApplicationSecrets:
    password = pulumi.Output.secret("x")
    endpoint = RedisEndpoint("redis", password, tls=False)
    database = DatabaseEndpoint("postgres", "postgres", password, "disable")
    return ApplicationSecrets(name, ApplicationSecretsArgs(name, "product", REGION, database, endpoint, endpoint, 0))


def service(name: str) -> GenerationService:
    return GenerationService(
        name,
        GenerationServiceArgs(
            namespace="shared",
            product="product",
            component=name,
            image="image:1",
            arguments=(),
            port=8000,
            resources=RESOURCES,
            grace_seconds=60,
            secret="secret",
            traffic=Traffic(),
        ),
    )


def job(name: str, schedule: str | None) -> ApplicationJob:
    args = ApplicationJobArgs("shared", "product", name, "image:1", (name,), 8000, "secret", Traffic(), 60, schedule)
    return ApplicationJob(name, args)


def managed_postgres(name: str) -> ManagedPostgres:
    return ManagedPostgres(
        name,
        ManagedPostgresArgs(
            region=REGION,
            network=network(name),
            instance_class="db.t4g.large",
            storage_gb=20,
            max_connections=200,
            read_replicas=2,
            multi_az=True,
            protected=True,
        ),
    )


def routing(name: str) -> Routing:
    domain = f"{name}.example.com"
    edges = {region.code: edge_name(region, domain) for region in REGIONS}
    return Routing(name, RoutingArgs(domain, edges, routing_table(REGIONS, domain), HealthCheck("/ready", 30, 3), 60))


def edge(name: str) -> Edge:
    rules = (RouteRule(("/", "/api/"), "60s", "60s"),)
    return Edge(name, EdgeArgs(name, "product", "class", "host", "published", "cpm", 80, {"X-A": "1"}, rules))


MAKERS: dict[str, Callable[[str], object]] = {
    "application job": lambda name: job(name, None),
    "scheduled job": lambda name: job(name, "0 2 * * *"),
    "application secrets": secrets,
    "autoscaler": lambda name: Autoscaler(name, AutoscalerArgs("shared", "product", name, 1, 2)),
    "backup bucket": lambda name: BackupBucket(name, BackupBucketArgs(REGION, 30, protected=True)),
    "budget": lambda name: Budget(name, BudgetArgs("product", "stack", 50, ("a@example.com",), REGION)),
    "data network": network,
    "edge": edge,
    "generation service": service,
    "namespace": lambda name: Namespace(name, name, "product"),
    "Postgres in the cluster": lambda name: ClusterPostgres(
        name, ClusterPostgresArgs(name, "product", 20, 200, Traffic())
    ),
    "managed Postgres": managed_postgres,
    "Redis in the cluster": lambda name: ClusterRedis(
        name, ClusterRedisArgs(name, "product", Role.CACHE, 256, Traffic())
    ),
    "managed Redis": lambda name: ManagedRedis(
        name, ManagedRedisArgs(REGION, network(name), Role.QUEUE, "cache.t4g.small", 3)
    ),
    "routing": routing,
}


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


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_two_instances_of_a_component_stand_beside_each_other(make: Callable[[str], object]) -> None:
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
    route = run(lambda: edge("it")).one("HTTPRoute", "it-api")
    matches = [route.at("spec", "rules", 0, "matches", at, "path") for at in (0, 1)]
    assert matches == [{"type": "Exact", "value": "/"}, {"type": "PathPrefix", "value": "/api"}]


def test_a_network_given_by_the_stack_file_is_used_and_none_is_made() -> None:
    made = run(lambda: DataNetwork("it", DataNetworkArgs(REGION, 40, "vpc-12345678", ("subnet-1", "subnet-2"))))
    assert [one.type for one in made.resources] == ["contentgen:data:DataNetwork"]
