"""Redis as ElastiCache: encrypted at rest and in transit, a token, automatic failover where there are several nodes."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws.elasticache as elasticache

from components.data_network import DataNetwork, last_snapshot
from components.logins import Logins
from components.redis import RedisEndpoint
from stacks.specs.store import REDIS_PORT, Role

ENGINE_VERSION = "7.1"
FAMILY = "redis7"
SNAPSHOT_DAYS = 7
BESIDE_THE_LAST, ONLY_THIS = "ROTATE", "SET"
"""Update strategies of the token: the one leaves the token of before valid, the other does not."""


@dataclass(frozen=True)
class ManagedRedisArgs:
    """Arguments of ManagedRedis.

    group: logical name of the replication group: at most 32 characters, because AWS allows an identifier 40 and the
        plugin appends 8.
    region: AWS region of the resources.
    network: subnets and security groups of the managed stores.
    role: purpose, which decides the eviction policy.
    node_type: ElastiCache node type.
    nodes: number of nodes; those above one are replicas in other zones with automatic failover.
    shards: primaries without replicas, in cluster mode, in place of ``nodes``; None for one shard.
    protected: never delete the group in a destroy, and keep a last snapshot.
    key: ARN of the KMS key.
    logins: tokens that the group accepts.
    """

    group: str
    region: str
    network: DataNetwork
    role: Role
    node_type: str
    nodes: int
    shards: int | None
    protected: bool
    key: pulumi.Input[str]
    logins: Logins


class ManagedRedis(pulumi.ComponentResource):
    """An ElastiCache replication group with a parameter group that sets what happens when it is full. ``primaries`` are
    the identifiers of the first node of each shard, by AWS' rule for such names.
    """

    endpoint: RedisEndpoint
    primaries: tuple[pulumi.Output[str], ...]

    def __init__(self, name: str, args: ManagedRedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:ManagedRedis", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        subnets = elasticache.SubnetGroup(
            f"{name}-subnets", subnet_ids=args.network.subnet_ids, region=args.region, opts=child
        )
        group = args.network.security_group(REDIS_PORT, f"redis-{args.role}")
        parameters = elasticache.ParameterGroup(
            f"{name}-parameters",
            family=FAMILY,
            parameters=_parameters(args),
            region=args.region,
            opts=child,
        )
        clustered, replicated = args.shards is not None, args.shards is None and args.nodes > 1
        store = elasticache.ReplicationGroup(
            args.group,
            description=f"{args.role} store",
            engine="redis",
            engine_version=ENGINE_VERSION,
            node_type=args.node_type,
            cluster_mode="enabled" if clustered else None,
            num_node_groups=args.shards,
            replicas_per_node_group=0 if clustered else None,
            num_cache_clusters=None if clustered else args.nodes,
            # A cluster without replicas must have it enabled too (ElastiCache API, CreateReplicationGroup).
            automatic_failover_enabled=clustered or replicated,
            multi_az_enabled=replicated,
            at_rest_encryption_enabled=True,
            kms_key_id=args.key,
            transit_encryption_enabled=True,
            auth_token=args.logins.active.password,
            auth_token_update_strategy=ONLY_THIS if args.logins.settled else BESIDE_THE_LAST,
            port=REDIS_PORT,
            subnet_group_name=subnets.name,
            security_group_ids=[group.id],
            parameter_group_name=parameters.name,
            snapshot_retention_limit=SNAPSHOT_DAYS,
            final_snapshot_identifier=last_snapshot(name, group.id) if args.protected else None,
            apply_immediately=True,
            region=args.region,
            opts=pulumi.ResourceOptions(
                parent=self, protect=args.protected, aliases=[pulumi.Alias(name=f"{name}-group")]
            ),
        )
        shards = [f"-{number:04d}" for number in range(1, (args.shards or 0) + 1)] or [""]
        self.primaries = tuple(pulumi.Output.concat(store.id, shard, "-001") for shard in shards)
        host = store.configuration_endpoint_address if clustered else store.primary_endpoint_address
        self.endpoint = RedisEndpoint(host, args.logins.active.password, tls=True)
        self.register_outputs({"host": host})


def _parameters(args: ManagedRedisArgs) -> list[elasticache.ParameterGroupParameterArgs]:
    wanted = {"maxmemory-policy": args.role.eviction, **({"cluster-enabled": "yes"} if args.shards else {})}
    return [elasticache.ParameterGroupParameterArgs(name=name, value=value) for name, value in wanted.items()]
