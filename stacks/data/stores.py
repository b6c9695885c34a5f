"""The data stores of a region, in the cluster or managed, behind the same endpoints (requirement P04)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.data_network import DataNetwork, DataNetworkArgs
from components.logins import Logins, Rotation
from components.pgbouncer import PgBouncer, PgBouncerArgs
from components.postgres import DatabaseEndpoint
from components.postgres_cluster import ClusterPostgres, ClusterPostgresArgs
from components.postgres_managed import ManagedPostgres, ManagedPostgresArgs
from components.redis import RedisEndpoint
from components.redis_cluster import ClusterRedis, ClusterRedisArgs
from components.redis_managed import ManagedRedis, ManagedRedisArgs
from components.store_alarms import StoreAlarms, StoreAlarmsArgs
from infra.catalog.regions import Region
from infra.settings.clusters import ClusterSettings
from infra.settings.stack import StackSettings
from infra.settings.stores import Backend
from stacks.monitoring.store_metric_alarms import database_ceilings, redis_ceilings
from stacks.networking import network_policies as traffic
from stacks.plan import StackPlan
from stacks.specs.profile import Profile
from stacks.specs.store import Role


@dataclass(frozen=True)
class StoresArgs:
    """Arguments of the stores of a region.

    plan: plan of the stack.
    region: region to deploy to.
    key: ARN of the KMS key of what AWS stores.
    """

    plan: StackPlan
    region: Region
    key: pulumi.Input[str]

    @property
    def profile(self) -> Profile:
        return self.plan.profile

    @property
    def cluster(self) -> ClusterSettings:
        return self.plan.cluster(self.region)

    @property
    def rotation(self) -> Rotation:
        return rotation_of(self.plan.settings)


def rotation_of(settings: StackSettings) -> Rotation:
    """State of the stack's rotation of passwords and keys."""
    return Rotation(settings.secrets.generation, settings.secrets.retired)


@dataclass(frozen=True)
class Stores:
    """Endpoints of a region's data stores.

    database: Postgres server.
    pooler: PgBouncer in front of it.
    logins: logins of the services.
    owners: logins of the role that owns the tables (X02).
    redis: Redis by purpose.
    resources: resources that must exist before a client connects.
    """

    database: DatabaseEndpoint
    pooler: DatabaseEndpoint
    logins: Logins
    owners: Logins
    redis: Mapping[Role, RedisEndpoint]
    resources: list[pulumi.Resource]


def stores(name: str, args: StoresArgs, opts: pulumi.ResourceOptions) -> Stores:
    """Declares Postgres, the pooler in front of it, and the Redis instances of a region."""
    managed = args.plan.managed
    network = _network(name, args, opts) if managed else None
    postgres = _postgres(name, args, network, opts)
    logins = Logins(f"{name}-database", args.rotation, opts)
    redis = {role: _redis(name, role, args, network, opts) for role in args.plan.blueprint.redis}
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[postgres]))
    pooler = _pooler(name, args, postgres.endpoint, logins, after)
    if managed:
        ceilings = (*database_ceilings(args.profile, postgres), *redis_ceilings(args.profile, redis))
        StoreAlarms(
            f"{name}-store-alarms", StoreAlarmsArgs(args.region.code, ceilings, args.plan.settings.alerts.notify), opts
        )
    return Stores(
        database=postgres.endpoint,
        pooler=pooler.endpoint,
        logins=logins,
        owners=Logins(f"{name}-database-owner", args.rotation, opts),
        redis={role: store.endpoint for role, store in redis.items()},
        resources=[postgres, pooler, *redis.values()],
    )


def _network(name: str, args: StoresArgs, opts: pulumi.ResourceOptions) -> DataNetwork:
    cluster = args.cluster
    if cluster.vpc_id is None or cluster.client_security_group_id is None:
        raise ValueError(f"clusters.{args.region.code}: managed stores without vpc_id and client_security_group_id")
    wanted = DataNetworkArgs(args.region.code, cluster.vpc_id, cluster.subnet_ids, cluster.client_security_group_id)
    return DataNetwork(f"{name}-network", wanted, opts)


def _postgres(
    name: str, args: StoresArgs, network: DataNetwork | None, opts: pulumi.ResourceOptions
) -> ClusterPostgres | ManagedPostgres:
    wanted = args.profile.postgres
    if wanted.backend is Backend.MANAGED and network is not None:
        return ManagedPostgres(
            f"{name}-postgres",
            ManagedPostgresArgs(
                names=args.plan.blueprint.database,
                region=args.region.code,
                network=network,
                version=wanted.version,
                instance_class=wanted.rung.instance_class,
                memory_gb=wanted.rung.memory_gb,
                storage_gb=wanted.storage_gb,
                storage_limit_gb=args.plan.blueprint.limits.storage_gb,
                max_connections=wanted.max_connections,
                read_replicas=wanted.read_replicas,
                multi_az=wanted.multi_az,
                protected=args.profile.protected,
                key=args.key,
                keeper=str(args.rotation.generation),
            ),
            opts,
        )
    return ClusterPostgres(
        f"{name}-postgres",
        ClusterPostgresArgs(
            names=args.plan.blueprint.database,
            namespace=args.plan.namespace,
            product=args.plan.product,
            storage_gb=wanted.storage_gb,
            cores=wanted.rung.cores,
            memory_gb=wanted.rung.memory_gb,
            max_connections=wanted.max_connections,
            traffic=traffic.of_postgres(args.plan),
            image=args.plan.settings.images.postgres,
            protect=args.profile.protected,
        ),
        opts,
    )


def _pooler(
    name: str, args: StoresArgs, database: DatabaseEndpoint, logins: Logins, opts: pulumi.ResourceOptions
) -> PgBouncer:
    wanted = args.profile.postgres
    return PgBouncer(
        f"{name}-pgbouncer",
        PgBouncerArgs(
            namespace=args.plan.namespace,
            product=args.plan.product,
            image=args.plan.settings.images.pgbouncer,
            instances=wanted.poolers,
            clients=wanted.pooler_clients,
            pool_size=wanted.pooler_size,
            database=database,
            logins=logins,
            traffic=traffic.of_pooler(args.plan, args.cluster.data_ranges),
        ),
        opts,
    )


def _redis(
    name: str, role: Role, args: StoresArgs, network: DataNetwork | None, opts: pulumi.ResourceOptions
) -> ClusterRedis | ManagedRedis:
    wanted = args.profile.redis
    logins = Logins(f"{name}-redis-{role}", args.rotation, opts)
    if wanted.backend is Backend.MANAGED and network is not None:
        return ManagedRedis(
            f"{name}-redis-{role}",
            ManagedRedisArgs(
                group=f"{args.plan.prefix}-{args.region.short}-{role}",
                region=args.region.code,
                network=network,
                role=role,
                node_type=wanted.rung.node_type,
                nodes=wanted.nodes,
                shards=wanted.shards_of(role),
                protected=args.profile.protected,
                key=args.key,
                logins=logins,
            ),
            opts,
        )
    return ClusterRedis(
        f"{name}-redis-{role}",
        ClusterRedisArgs(
            namespace=args.plan.namespace,
            product=args.plan.product,
            role=role,
            cpu=wanted.rung.cpu,
            memory_mb=wanted.rung.memory_mb,
            traffic=traffic.of_redis(args.plan),
            image=args.plan.settings.images.redis,
            logins=logins,
            protect=args.profile.protected,
        ),
        opts,
    )
