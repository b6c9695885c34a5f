"""The data stores of a region, in the cluster or managed, behind the same endpoints (requirement P04)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.data_network import DataNetwork, DataNetworkArgs
from components.postgres import DatabaseEndpoint
from components.postgres_cluster import ClusterPostgres, ClusterPostgresArgs
from components.postgres_managed import ManagedPostgres, ManagedPostgresArgs
from components.redis import RedisEndpoint, Role
from components.redis_cluster import ClusterRedis, ClusterRedisArgs
from components.redis_managed import ManagedRedis, ManagedRedisArgs
from infra.settings import Backend, ClusterSettings, StackSettings
from stacks import traffic
from stacks.products.content_generation import content_generation
from stacks.profile import Profile

NAMESPACE = "contentgen"
FIRST_OCTET = 40


@dataclass(frozen=True)
class Stores:
    """What the services connect to, and the resources that must be there before anyone does."""

    database: DatabaseEndpoint
    cache: RedisEndpoint
    queue: RedisEndpoint
    resources: list[pulumi.Resource]


def stores(
    name: str, index: int, region: str, settings: StackSettings, profile: Profile, opts: pulumi.ResourceOptions
) -> Stores:
    """Declares Postgres and the two Redis instances of a region."""
    managed = Backend.MANAGED in (profile.postgres.backend, profile.redis.backend)
    network = _network(name, index, region, settings, opts) if managed else None
    postgres = _postgres(name, region, settings, profile, network, opts)
    redis = {role: _redis(name, role, region, settings, profile, network, opts) for role in Role}
    return Stores(
        database=postgres.endpoint,
        cache=redis[Role.CACHE].endpoint,
        queue=redis[Role.QUEUE].endpoint,
        resources=[postgres, *redis.values()],
    )


def _network(name: str, index: int, region: str, settings: StackSettings, opts: pulumi.ResourceOptions) -> DataNetwork:
    cluster = settings.clusters.get(region, ClusterSettings())
    args = DataNetworkArgs(region, FIRST_OCTET + index, cluster.vpc_id, cluster.subnet_ids)
    return DataNetwork(f"{name}-network", args, opts)


def _postgres(
    name: str,
    region: str,
    settings: StackSettings,
    profile: Profile,
    network: DataNetwork | None,
    opts: pulumi.ResourceOptions,
) -> ClusterPostgres | ManagedPostgres:
    wanted = profile.postgres
    if wanted.backend is Backend.MANAGED and network is not None:
        return ManagedPostgres(
            f"{name}-postgres",
            ManagedPostgresArgs(
                region=region,
                network=network,
                instance_class=wanted.instance_class,
                storage_gb=wanted.storage_gb,
                max_connections=wanted.max_connections,
                read_replicas=wanted.read_replicas,
                multi_az=wanted.multi_az,
                protected=profile.protected,
            ),
            opts,
        )
    return ClusterPostgres(
        f"{name}-postgres",
        ClusterPostgresArgs(
            namespace=NAMESPACE,
            product=settings.product.value,
            storage_gb=wanted.storage_gb,
            max_connections=wanted.max_connections,
            traffic=traffic.of_postgres(content_generation(profile)),
            protect=profile.protected,
        ),
        opts,
    )


def _redis(
    name: str,
    role: Role,
    region: str,
    settings: StackSettings,
    profile: Profile,
    network: DataNetwork | None,
    opts: pulumi.ResourceOptions,
) -> ClusterRedis | ManagedRedis:
    wanted = profile.redis
    if wanted.backend is Backend.MANAGED and network is not None:
        return ManagedRedis(
            f"{name}-redis-{role}",
            ManagedRedisArgs(region, network, role, wanted.node_type, wanted.nodes),
            opts,
        )
    return ClusterRedis(
        f"{name}-redis-{role}",
        ClusterRedisArgs(
            namespace=NAMESPACE,
            product=settings.product.value,
            role=role,
            memory_mb=wanted.memory_mb,
            traffic=traffic.of_redis(content_generation(profile)),
            protect=profile.protected,
        ),
        opts,
    )
