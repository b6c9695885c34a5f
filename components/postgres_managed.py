"""Postgres as RDS: encrypted, private, TLS forced, backed up by AWS beside our own dumps."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws.rds as rds

from components.data_network import DataNetwork, last_snapshot
from components.logins import password
from components.monitoring_role import INTERVAL_SECONDS, monitoring_role
from components.postgres import (
    DatabaseEndpoint,
    server_parameters,
)
from stacks.specs.store import POSTGRES_PORT, DatabaseNames

AUTOMATED_BACKUP_DAYS = 7
AUTHORITY = "rds-ca-rsa2048-g1"
INSIGHT_DAYS = 7
LOGS = ["postgresql", "upgrade"]
GROWTH_STEP = 1.1
"""AWS wants a limit at least this many times the size, or none."""
MEMORY_UNITS = {"shared_buffers": 8192, "effective_cache_size": 8192, "work_mem": 1024}
"""Bytes of the unit in which RDS takes a memory parameter."""


@dataclass(frozen=True)
class ManagedPostgresArgs:
    """Arguments of ManagedPostgres.

    names: names of the database and its logins.
    region: AWS region of the resources.
    network: subnets and security groups of the managed stores.
    version: major version of the engine.
    instance_class: RDS instance class.
    memory_gb: memory that the server's parameters count with, GB.
    storage_gb: storage at the begin, GB.
    storage_limit_gb: limit of storage autoscaling, GB (Y02).
    max_connections: connections that the server accepts.
    read_replicas: number of read replicas.
    multi_az: standby in a second zone.
    protected: forbid deletion and keep a last snapshot.
    key: ARN of the KMS key of storage and insights.
    keeper: value that the administrator's password is bound to: a new value makes a new password.
    """

    names: DatabaseNames
    region: str
    network: DataNetwork
    version: int
    instance_class: str
    memory_gb: int
    storage_gb: int
    storage_limit_gb: int
    max_connections: int
    read_replicas: int
    multi_az: bool
    protected: bool
    key: pulumi.Input[str]
    keeper: str

    @property
    def growth_gb(self) -> int | None:
        """Upper limit of storage autoscaling in GB; None where there is too little room to grow."""
        return self.storage_limit_gb if self.storage_gb * GROWTH_STEP <= self.storage_limit_gb else None


class ManagedPostgres(pulumi.ComponentResource):
    """An RDS instance with a parameter group, and read replicas, all of which readers use. ``instances`` are their
    identifiers, the primary's first.
    """

    endpoint: DatabaseEndpoint
    instances: tuple[pulumi.Output[str], ...]

    def __init__(self, name: str, args: ManagedPostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:ManagedPostgres", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        stateful = pulumi.ResourceOptions(parent=self, protect=args.protected)
        secret = password(name, self, args.keeper)
        subnets = rds.SubnetGroup(f"{name}-subnets", subnet_ids=args.network.subnet_ids, region=args.region, opts=child)
        group = args.network.security_group(POSTGRES_PORT, "postgres")
        parameters = rds.ParameterGroup(
            f"{name}-parameters",
            family=f"postgres{args.version}",
            parameters=_parameters(args),
            region=args.region,
            opts=child,
        )
        monitoring = monitoring_role(name, self)
        alike = _Alike(args, group.id, parameters.name, monitoring)
        main = alike.instance()
        main.engine = "postgres"
        main.kms_key_id = args.key
        main.engine_version = str(args.version)
        main.allocated_storage = args.storage_gb
        main.max_allocated_storage = args.growth_gb
        main.storage_type = "gp3"
        main.db_name = args.names.database
        main.username = args.names.administrator
        main.password = secret.result
        main.db_subnet_group_name = subnets.name
        main.multi_az = args.multi_az
        main.backup_retention_period = AUTOMATED_BACKUP_DAYS
        main.deletion_protection = args.protected
        main.skip_final_snapshot = not args.protected
        main.final_snapshot_identifier = last_snapshot(name, group.id) if args.protected else None
        primary = rds.Instance(f"{name}-primary", main, stateful)
        replicas: list[rds.Instance] = []
        for number in range(1, args.read_replicas + 1):
            replica = alike.instance()
            replica.replicate_source_db = primary.identifier
            replica.skip_final_snapshot = True
            replicas.append(rds.Instance(f"{name}-replica-{number}", replica, child))
        self.instances = tuple(one.identifier for one in (primary, *replicas))
        self.endpoint = DatabaseEndpoint(
            args.names,
            primary.address,
            tuple(reader.address for reader in replicas or [primary]),
            args.names.administrator,
            secret.result,
            ssl_mode="require",
            replicated=bool(replicas),
        )
        self.register_outputs({"host": primary.address})


@dataclass(frozen=True)
class _Alike:
    """Arguments that a primary and its replicas share.

    A replica in its source's region inherits the key and RDS refuses one of its own (RDS API,
    CreateDBInstanceReadReplica.KmsKeyId: "don't specify this parameter"). The provider never sends a replica's
    ``storage_encrypted``, but would replace an encrypted replica that no longer declares it.

    args: arguments of the component.
    group: id of the security group.
    parameters: name of the parameter group.
    monitoring: ARN of the role for enhanced monitoring.
    """

    args: ManagedPostgresArgs
    group: pulumi.Input[str]
    parameters: pulumi.Input[str]
    monitoring: pulumi.Input[str]

    def instance(self) -> rds.InstanceArgs:
        return rds.InstanceArgs(
            instance_class=self.args.instance_class,
            # A release is the maintenance window: what is deployed is in force, or the update says why not.
            apply_immediately=True,
            storage_encrypted=True,
            ca_cert_identifier=AUTHORITY,
            performance_insights_enabled=True,
            performance_insights_retention_period=INSIGHT_DAYS,
            monitoring_interval=INTERVAL_SECONDS,
            monitoring_role_arn=self.monitoring,
            enabled_cloudwatch_logs_exports=LOGS,
            auto_minor_version_upgrade=True,
            copy_tags_to_snapshot=True,
            publicly_accessible=False,
            vpc_security_group_ids=[self.group],
            parameter_group_name=self.parameters,
            region=self.args.region,
        )


def _parameters(args: ManagedPostgresArgs) -> list[rds.ParameterGroupParameterArgs]:
    own = server_parameters(args.memory_gb, args.max_connections)
    wanted = {**{key: _rds_value(key, value) for key, value in own.items()}, "rds.force_ssl": "1"}
    return [
        rds.ParameterGroupParameterArgs(name=key, value=value, apply_method="pending-reboot")
        for key, value in sorted(wanted.items())
    ]


def _rds_value(key: str, value: str) -> str:
    """RDS takes memory as a count of the parameter's own unit, not with a suffix."""
    if key not in MEMORY_UNITS:
        return value
    size = int(value[:-2]) * {"MB": 2**20, "GB": 2**30}[value[-2:]]
    return str(size // MEMORY_UNITS[key])
