"""Postgres as RDS: encrypted, private, TLS forced, backed up by AWS beside our own dumps."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws.rds as rds

from components.data_network import DataNetwork
from components.logins import password
from components.monitoring_role import INTERVAL_SECONDS, monitoring_role
from components.postgres import (
    ADMINISTRATOR,
    DATABASE,
    PARAMETERS,
    PORT,
    DatabaseEndpoint,
)

ENGINE_VERSION = "17"
AUTOMATED_BACKUP_DAYS = 7
AUTHORITY = "rds-ca-rsa2048-g1"
INSIGHT_DAYS = 7
LOGS = ["postgresql", "upgrade"]
STORAGE_LIMIT_GB = 100
"""Where storage stops growing by itself (requirement Y02)."""
GROWTH_STEP = 1.1
"""AWS wants a limit at least this many times the size, or none."""
MEMORY_UNITS = {"shared_buffers": 8192, "effective_cache_size": 8192, "work_mem": 1024}
"""Bytes of the unit in which RDS takes a memory parameter."""


@dataclass(frozen=True)
class ManagedPostgresArgs:
    """Sizes are GB. ``protected`` forbids deletion and keeps a last snapshot; ``key`` encrypts storage and insights.
    The administrator's password is renewed when ``keeper`` changes.
    """

    region: str
    network: DataNetwork
    instance_class: str
    storage_gb: int
    max_connections: int
    read_replicas: int
    multi_az: bool
    protected: bool
    key: pulumi.Input[str]
    keeper: str


class ManagedPostgres(pulumi.ComponentResource):
    """An RDS instance with a parameter group, and read replicas; readers use the first replica."""

    endpoint: DatabaseEndpoint

    def __init__(self, name: str, args: ManagedPostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:ManagedPostgres", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        stateful = pulumi.ResourceOptions(parent=self, protect=args.protected)
        secret = password(name, self, args.keeper)
        subnets = rds.SubnetGroup(f"{name}-subnets", subnet_ids=args.network.subnet_ids, region=args.region, opts=child)
        group = args.network.security_group(PORT, "postgres")
        parameters = rds.ParameterGroup(
            f"{name}-parameters",
            family=f"postgres{ENGINE_VERSION}",
            parameters=_parameters(args.max_connections),
            region=args.region,
            opts=child,
        )
        monitoring = monitoring_role(name, self)
        primary = rds.Instance(
            f"{name}-primary",
            engine="postgres",
            engine_version=ENGINE_VERSION,
            instance_class=args.instance_class,
            allocated_storage=args.storage_gb,
            max_allocated_storage=STORAGE_LIMIT_GB if args.storage_gb * GROWTH_STEP <= STORAGE_LIMIT_GB else None,
            storage_type="gp3",
            storage_encrypted=True,
            kms_key_id=args.key,
            ca_cert_identifier=AUTHORITY,
            performance_insights_enabled=True,
            performance_insights_retention_period=INSIGHT_DAYS,
            monitoring_interval=INTERVAL_SECONDS,
            monitoring_role_arn=monitoring,
            enabled_cloudwatch_logs_exports=LOGS,
            db_name=DATABASE,
            username=ADMINISTRATOR,
            password=secret.result,
            db_subnet_group_name=subnets.name,
            parameter_group_name=parameters.name,
            vpc_security_group_ids=[group.id],
            publicly_accessible=False,
            multi_az=args.multi_az,
            backup_retention_period=AUTOMATED_BACKUP_DAYS,
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=True,
            deletion_protection=args.protected,
            skip_final_snapshot=not args.protected,
            final_snapshot_identifier=f"{name}-final" if args.protected else None,
            region=args.region,
            opts=stateful,
        )
        replicas = [
            rds.Instance(
                f"{name}-replica-{number}",
                replicate_source_db=primary.identifier,
                instance_class=args.instance_class,
                storage_encrypted=True,
                kms_key_id=args.key,
                ca_cert_identifier=AUTHORITY,
                performance_insights_enabled=True,
                performance_insights_retention_period=INSIGHT_DAYS,
                monitoring_interval=INTERVAL_SECONDS,
                monitoring_role_arn=monitoring,
                enabled_cloudwatch_logs_exports=LOGS,
                auto_minor_version_upgrade=True,
                copy_tags_to_snapshot=True,
                publicly_accessible=False,
                vpc_security_group_ids=[group.id],
                parameter_group_name=parameters.name,
                skip_final_snapshot=True,
                region=args.region,
                opts=child,
            )
            for number in range(1, args.read_replicas + 1)
        ]
        reader = replicas[0] if replicas else primary
        self.endpoint = DatabaseEndpoint(
            primary.address,
            reader.address,
            ADMINISTRATOR,
            secret.result,
            ssl_mode="require",
            replicated=bool(replicas),
        )
        self.register_outputs({"host": primary.address})


def _parameters(max_connections: int) -> list[rds.ParameterGroupParameterArgs]:
    own = {key: _rds_value(key, value) for key, value in PARAMETERS.items()}
    wanted = {**own, "max_connections": str(max_connections), "rds.force_ssl": "1"}
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
