"""Makers of databases, caches and their logins."""

from __future__ import annotations

from collections.abc import Callable

import pulumi

from components.application_keys import ApplicationKeys
from components.application_secrets import ApplicationSecrets, ApplicationSecretsArgs
from components.logins import Logins, Rotation
from components.pgbouncer import PgBouncer, PgBouncerArgs
from components.postgres import DatabaseEndpoint
from components.postgres_cluster import ClusterPostgres, ClusterPostgresArgs
from components.postgres_managed import ManagedPostgres, ManagedPostgresArgs
from components.redis import RedisEndpoint
from components.redis_cluster import ClusterRedis, ClusterRedisArgs
from components.redis_managed import ManagedRedis, ManagedRedisArgs
from stacks.specs.network import Traffic
from stacks.specs.store import DatabaseNames, Role
from tests.unit.makers import REGION
from tests.unit.makers.account import network

NAMES = DatabaseNames("product", "product_admin", "product_", "product_owner_")


def secrets(name: str) -> ApplicationSecrets:
    password = pulumi.Output.secret("x")
    endpoint = RedisEndpoint("redis", password, tls=False)
    database = DatabaseEndpoint(NAMES, "postgres", "postgres", "admin", password, "disable")
    logins = Logins(f"{name}-logins", Rotation())
    owners, keys = Logins(f"{name}-owners", Rotation()), {"admin_token": password}
    redis = dict.fromkeys(Role, endpoint)
    args = ApplicationSecretsArgs(
        "shared", "product", REGION, database, database, logins, owners, keys, redis, 0, "key"
    )
    return ApplicationSecrets(name, args)


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


def database(name: str) -> DatabaseEndpoint:
    password = pulumi.Output.secret("x")
    return DatabaseEndpoint(NAMES, f"{name}.rds", f"{name}-replica.rds", "admin", password, "require", replicated=True)


def pooler(name: str) -> PgBouncer:
    logins = Logins(f"{name}-logins", Rotation())
    args = PgBouncerArgs("shared", "product", "pgbouncer:1", 2, 200, 25, database(name), logins, Traffic(), name)
    return PgBouncer(name, args)


MAKERS: dict[str, Callable[[str], object]] = {
    "application keys": lambda name: ApplicationKeys(name, Rotation()),
    "application secrets": secrets,
    "logins": lambda name: Logins(name, Rotation()),
    "Postgres in the cluster": lambda name: ClusterPostgres(
        name, ClusterPostgresArgs(NAMES, "shared", "product", 20, 2, 8, 200, Traffic(), "postgres:1", component=name)
    ),
    "managed Postgres": managed_postgres,
    "Redis in the cluster": lambda name: ClusterRedis(
        name,
        ClusterRedisArgs(
            *("shared", "product", Role.CACHE, "500m", 256, Traffic(), "redis:1", Logins(f"{name}-logins", Rotation())),
            component=name,
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
    "pooler": pooler,
}
TOKENS = {
    "ApplicationKeys": "contentgen:data:ApplicationKeys",
    "ApplicationSecrets": "contentgen:data:ApplicationSecrets",
    "ClusterPostgres": "contentgen:data:ClusterPostgres",
    "ClusterRedis": "contentgen:data:ClusterRedis",
    "Logins": "contentgen:data:Logins",
    "ManagedPostgres": "contentgen:data:ManagedPostgres",
    "ManagedRedis": "contentgen:data:ManagedRedis",
    "PgBouncer": "contentgen:data:PgBouncer",
    "StatefulStore": "contentgen:data:StatefulStore",
}
