"""One maker for every component: the least that declares it."""

from __future__ import annotations

from collections.abc import Callable

import pulumi

from components.alert_rules import AlertRules, AlertRulesArgs
from components.application_job import ApplicationJob, ApplicationJobArgs
from components.application_keys import ApplicationKeys
from components.application_secrets import ApplicationSecrets, ApplicationSecretsArgs
from components.audit_trail import AuditTrail, AuditTrailArgs
from components.autoscaler import Autoscaler, AutoscalerArgs
from components.backup_alarms import BackupAlarms, BackupAlarmsArgs
from components.backup_bucket import BackupBucket, BackupBucketArgs
from components.budget import Budget, BudgetArgs
from components.certificate import Certificate, CertificateArgs
from components.data_network import DataNetwork, DataNetworkArgs
from components.edge import Edge, EdgeArgs
from components.edge_ingress import IngressEdge
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.file_bucket import FileBucket, FileBucketArgs
from components.generation_service import GenerationService, GenerationServiceArgs
from components.log_bucket import LogBucket, LogBucketArgs, Watched
from components.logins import Logins, Rotation
from components.namespace import Namespace
from components.pgbouncer import PgBouncer, PgBouncerArgs
from components.pod_monitor import PodMonitor, PodMonitorArgs
from components.postgres import DatabaseEndpoint
from components.postgres_cluster import ClusterPostgres, ClusterPostgresArgs
from components.postgres_managed import ManagedPostgres, ManagedPostgresArgs
from components.queue_scaler import QueueScaler, QueueScalerArgs
from components.quota import Quota, QuotaArgs
from components.redis import RedisEndpoint
from components.redis_cluster import ClusterRedis, ClusterRedisArgs
from components.redis_managed import ManagedRedis, ManagedRedisArgs
from components.routing import HealthCheck, Routing, RoutingArgs
from components.service_role import Grant, ServiceRole, ServiceRoleArgs
from components.store_alarms import Ceiling, StoreAlarms, StoreAlarmsArgs
from components.team_access import TeamAccess, TeamAccessArgs
from infra.catalog.regions import REGIONS
from stacks.networking.dns_routing import edge_name, routing_table
from stacks.specs.alert import AlertRule, Expectation, Severity
from stacks.specs.network import HTTP, NamedPort, Traffic
from stacks.specs.rbac import Rule
from stacks.specs.resources import Resources, Totals
from stacks.specs.route import Affinity, EdgeHost, Published, Rate, RouteGroup
from stacks.specs.store import DatabaseNames, Role

REGION = "us-east-1"
NAMES = DatabaseNames("product", "product_admin", "product_", "product_owner_")
RESOURCES = Resources("250m", "1000m", "256Mi", "1Gi")
RULE = AlertRule("Name", "cpm", "up == 0", 60, Severity.LOW, "summary", "description", "page.md#name")
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A"


def network(name: str) -> DataNetwork:
    return DataNetwork(f"{name}-network", DataNetworkArgs(REGION, "vpc-1", ("subnet-1", "subnet-2"), "sg-1"))


def secrets(name: str) -> ApplicationSecrets:
    password = pulumi.Output.secret("x")
    endpoint = RedisEndpoint("redis", password, tls=False)
    database = DatabaseEndpoint(NAMES, "postgres", "postgres", "admin", password, "disable")
    logins = Logins(f"{name}-logins", Rotation())
    owners, keys = Logins(f"{name}-owners", Rotation()), {"admin_token": password}
    redis = dict.fromkeys(Role, endpoint)
    args = ApplicationSecretsArgs(name, "product", REGION, database, database, logins, owners, keys, redis, 0, "key")
    return ApplicationSecrets(name, args)


def service(name: str) -> GenerationService:
    return GenerationService(
        name,
        GenerationServiceArgs(
            namespace="shared",
            product="product",
            component=name,
            image="image:1",
            arguments=(),
            ports=(NamedPort(HTTP, 8000),),
            resources=RESOURCES,
            pre_stop_seconds=5,
            grace_seconds=60,
            secrets=("secret",),
            traffic=Traffic(),
        ),
    )


def job(name: str, schedule: str | None) -> ApplicationJob:
    args = ApplicationJobArgs(
        "shared", "product", name, "image:1", (name,), 8000, "secret", Traffic(), 60, "high", schedule
    )
    return ApplicationJob(name, args)


def managed_postgres(name: str) -> ManagedPostgres:
    return ManagedPostgres(
        name,
        ManagedPostgresArgs(
            names=NAMES,
            region=REGION,
            network=network(name),
            version=17,
            instance_class="db.t4g.large",
            memory_gb=8,
            storage_gb=20,
            storage_limit_gb=100,
            max_connections=200,
            read_replicas=2,
            multi_az=True,
            protected=True,
            key="key",
            keeper="1",
        ),
    )


def routing(name: str) -> Routing:
    domain = f"{name}.example.com"
    edges = {region.code: edge_name(region, domain) for region in REGIONS}
    table, health = routing_table(REGIONS, domain), HealthCheck("/ready", 30, 3)
    return Routing(name, RoutingArgs(domain, edges, table, health, 60, protected=True))


def edge_args(name: str, *, sticky: bool = False) -> EdgeArgs:
    group = RouteGroup("all", ("/", "/api/"), "60s", Rate(10, 20))
    return EdgeArgs(
        namespace=name,
        product="product",
        gateway_class="class",
        region=REGION,
        certificate="certificate",
        hosts=(EdgeHost("api", "api.example.com", Published.ELSEWHERE, {"cpm": (group,)}),),
        backend_port=80,
        headers={"X-A": "1"},
        health_backend="cpm",
        instances=2,
        affinity={"cpm": Affinity.CLIENT} if sticky else {},
    )


def database(name: str) -> DatabaseEndpoint:
    password = pulumi.Output.secret("x")
    return DatabaseEndpoint(NAMES, f"{name}.rds", f"{name}-replica.rds", "admin", password, "require", replicated=True)


def pooler(name: str) -> PgBouncer:
    logins = Logins(f"{name}-logins", Rotation())
    args = PgBouncerArgs(name, "product", "pgbouncer:1", 2, 200, 25, database(name), logins, Traffic())
    return PgBouncer(name, args)


def queue_scaler(name: str) -> QueueScaler:
    return QueueScaler(
        name,
        QueueScalerArgs("shared", "product", name, 1, 5, 100, 10, 300, secret="secret", address_key="database_url"),
    )


def certificate(name: str) -> Certificate:
    names, issuer = ("api.example.com",), ("cert-manager", "cert-manager")
    args = CertificateArgs(
        name, "product", names, "example.com", "zone", REGION, "role", "certificate", issuer, "a@example.com"
    )
    return Certificate(name, args)


def account() -> pulumi.Output[str]:
    return pulumi.Output.from_input("123456789012")


def log_bucket(name: str) -> LogBucket:
    source = pulumi.Output.from_input(f"{name}-source")
    watched, trail = Watched(source, source), f"{name}-trail"
    return LogBucket(name, LogBucketArgs(REGION, account(), watched, protected=True, trail=trail))


def audit_trail(name: str) -> AuditTrail:
    return AuditTrail(
        name, AuditTrailArgs(REGION, name, account(), pulumi.Output.from_input(f"{name}-logs"), protected=True)
    )


def backup_alarms(name: str) -> BackupAlarms:
    expected = (Expectation("backup", "BackupSucceeded", REGION, 26),)
    return BackupAlarms(name, BackupAlarmsArgs(REGION, "contentgen/test", expected, ("a@example.com",), "page"))


def store_alarms(name: str) -> StoreAlarms:
    ceiling = Ceiling(
        "connections", "AWS/RDS", "DatabaseConnections", {"DBInstanceIdentifier": name}, 80, 5, "a", "page"
    )
    return StoreAlarms(name, StoreAlarmsArgs(REGION, (ceiling,), ("a@example.com",)))


def team_access(name: str) -> TeamAccess:
    return TeamAccess(name, TeamAccessArgs("shared", "product", name, (Rule("", ("pods",), ("get",)),), (name,)))


def service_role(name: str) -> ServiceRole:
    return ServiceRole(name, ServiceRoleArgs("shared", name, PROVIDER, (Grant(("s3:GetObject",), ("arn",)),)))


MAKERS: dict[str, Callable[[str], object]] = {
    "alert rules": lambda name: AlertRules(name, AlertRulesArgs(name, "product", {"group": (RULE,)}, {})),
    "application job": lambda name: job(name, None),
    "scheduled job": lambda name: job(name, "0 2 * * *"),
    "application keys": lambda name: ApplicationKeys(name, Rotation()),
    "application secrets": secrets,
    "audit trail": audit_trail,
    "autoscaler": lambda name: Autoscaler(name, AutoscalerArgs("shared", "product", name, 1, 2, 70, 80)),
    "backup alarms": backup_alarms,
    "backup bucket": lambda name: BackupBucket(name, BackupBucketArgs(REGION, 30, protected=True, lock_days=7)),
    "budget": lambda name: Budget(name, BudgetArgs("product", "stack", 50, ("a@example.com",), REGION)),
    "data network": network,
    "certificate": certificate,
    "edge": lambda name: Edge(name, edge_args(name)),
    "edge by ingress": lambda name: IngressEdge(name, edge_args(name)),
    "encryption key": lambda name: EncryptionKey(name, EncryptionKeyArgs(REGION, "data", protected=True)),
    "file bucket": lambda name: FileBucket(name, FileBucketArgs(REGION, "files", {"files": 7}, protected=False)),
    "generation service": service,
    "log bucket": log_bucket,
    "logins": lambda name: Logins(name, Rotation()),
    "namespace": lambda name: Namespace(name, name, "product", "stack"),
    "Postgres in the cluster": lambda name: ClusterPostgres(
        name, ClusterPostgresArgs(NAMES, name, "product", 20, 2, 8, 200, Traffic(), "postgres:1")
    ),
    "managed Postgres": managed_postgres,
    "Redis in the cluster": lambda name: ClusterRedis(
        name,
        ClusterRedisArgs(
            name, "product", Role.CACHE, "500m", 256, Traffic(), "redis:1", Logins(f"{name}-logins", Rotation())
        ),
    ),
    "managed Redis": lambda name: ManagedRedis(
        name,
        ManagedRedisArgs(
            f"{name}-queue",
            REGION,
            network(name),
            Role.QUEUE,
            "cache.t4g.small",
            3,
            shards=None,
            protected=True,
            key="key",
            logins=Logins(f"{name}-logins", Rotation()),
        ),
    ),
    "pod monitor": lambda name: PodMonitor(name, PodMonitorArgs(name, "product", ("cpm",), (HTTP,), {"release": "a"})),
    "pooler": pooler,
    "queue scaler": queue_scaler,
    "quota": lambda name: Quota(name, QuotaArgs(name, "product", Totals(1, 1, 1, 1, 1, 1))),
    "routing": routing,
    "service role": service_role,
    "store alarms": store_alarms,
    "team access": team_access,
}
