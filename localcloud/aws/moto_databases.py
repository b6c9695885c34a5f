"""The managed databases that moto holds, to map their endpoints to servers that really answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from moto.elasticache.models import ReplicationGroup
    from moto.rds.models import DBInstance


@dataclass(frozen=True)
class Database:
    """One managed database and how a client would reach it. `replica_of` names its source, by ARN across regions;
    `shards` are the hosts of the primaries of a Redis in cluster mode, in the order of their slots.
    """

    kind: Literal["rds", "elasticache"]
    region: str
    identifier: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    replica_of: str
    reader_host: str = ""
    shards: tuple[str, ...] = ()

    def as_json(self) -> dict[str, str | int | tuple[str, ...]]:
        """The form served to the runner, which needs the password to make the local server take it."""
        return asdict(self)


def databases() -> list[Database]:
    """Every instance of every region, in a stable order."""
    return sorted([*_instances(), *_replication_groups()], key=lambda one: (one.kind, one.region, one.identifier))


def _was_used(module: str) -> bool:
    """True if moto has loaded a service: one that was never called holds nothing, and importing it takes a second."""
    return module in sys.modules


def _instances() -> Iterator[Database]:
    if not _was_used("moto.rds.models"):
        return
    from moto.rds.models import rds_backends

    for regions in rds_backends.values():
        for region, backend in regions.items():
            for instance in backend.databases.values():
                yield _instance(region, instance)


def _instance(region: str, instance: DBInstance) -> Database:
    return Database(
        kind="rds",
        region=region,
        identifier=instance.db_instance_identifier,
        host=instance.address,
        port=int(instance.port),
        user=instance.master_username or "",
        password=getattr(instance, "_master_user_password", None) or "",
        database=instance.db_name or "",
        replica_of=(instance.source_db_instance_identifier or "") if instance.is_replica else "",
    )


def _replication_groups() -> Iterator[Database]:
    if not _was_used("moto.elasticache.models"):
        return
    from moto.elasticache.models import elasticache_backends

    from localcloud.aws.moto_elasticache import auth_tokens

    for regions in elasticache_backends.values():
        for region, backend in regions.items():
            for group in backend.replication_groups.values():
                yield _replication_group(region, group, auth_tokens.get(group.arn, ""))


def _replication_group(region: str, group: ReplicationGroup, token: str) -> Database:
    clustered = group.cluster_mode == "enabled"
    node = group.node_groups[0]
    return Database(
        kind="elasticache",
        region=region,
        identifier=group.replication_group_id,
        host=group.configuration_endpoint["address"] if clustered else node["primary_endpoint_address"],
        port=int(group.port),
        user="",
        password=token,
        database="",
        replica_of="",
        reader_host="" if clustered else node["reader_endpoint_address"],
        shards=tuple(_shard_hosts(group)) if clustered else (),
    )


def _shard_hosts(group: ReplicationGroup) -> Iterator[str]:
    """Names of the first node of each shard, as ElastiCache forms them from the configuration endpoint's."""
    domain = group.configuration_endpoint["address"].removeprefix("clustercfg.")
    for shard in group.node_groups:
        yield f"{shard['node_group_members'][0]['cache_cluster_id']}.{domain}"
