"""Data stores of a stack: place, size, images, backups, and the renewal of their secrets."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from infra.catalog.sizes import DatabaseSize, RedisSize
from infra.settings.value_types import (
    INSTANCE_CLASS_PATTERN,
    MAXIMUM_EMAILS,
    NODE_TYPE_PATTERN,
    Email,
    Image,
    Model,
    Schedule,
)


class Backend(StrEnum):
    """Place of a data store: in the cluster, or as an AWS service (requirement P04)."""

    CLUSTER = "cluster"
    MANAGED = "managed"


class PostgresSettings(Model):
    """The database: where it runs and how big it is. ``size`` is a step of the ladder (P03)."""

    backend: Backend | None = Field(None, strict=False, description="cluster or managed")
    size: DatabaseSize | None = Field(
        None, strict=False, description="what it may use, in the cluster or managed (P03)"
    )
    version: int | None = Field(
        None, ge=15, le=17, description="major version of a managed database; it never goes back"
    )
    storage_gb: int | None = Field(None, ge=1, description="size of the volume or of the managed storage, GB")
    instance_class: str | None = Field(
        None, pattern=INSTANCE_CLASS_PATTERN, description="RDS instance class, instead of the size's"
    )
    read_replicas: int | None = Field(None, ge=0, le=5, description="read replicas of a managed database")
    max_connections: int | None = Field(None, ge=20, description="connections the server accepts")
    pooler_clients: int | None = Field(None, ge=1, le=10_000, description="clients one PgBouncer accepts (P02)")
    pooler_size: int | None = Field(None, ge=1, le=1000, description="server connections one PgBouncer keeps (P02)")

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.size is not None and self.instance_class is not None:
            raise ValueError(f"size {self.size} and instance_class {self.instance_class} say two things; give one")
        return self


class RedisSettings(Model):
    """Cache and queue stores: where they run; they are two instances wherever that is (requirement R02)."""

    backend: Backend | None = Field(None, strict=False, description="cluster or managed")
    size: RedisSize | None = Field(None, strict=False, description="what one may use, in the cluster or managed (R03)")
    memory_mb: int | None = Field(
        None, ge=64, le=4096, description="maxmemory of one instance, MB; instead of a size's"
    )
    node_type: str | None = Field(
        None, pattern=NODE_TYPE_PATTERN, description="ElastiCache node type, instead of a size's"
    )
    nodes: int | None = Field(
        None, ge=1, le=6, description="nodes of each managed store; those beyond the first are replicas that take over"
    )
    cache_shards: int | None = Field(
        None, ge=2, le=90, description="primaries of a managed cache in cluster mode; the store of queues has one (R02)"
    )

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        own = self.memory_mb or self.node_type
        if self.size is not None and own is not None:
            raise ValueError(f"size {self.size} and {own} say two things; give size, or memory_mb and node_type")
        return self


class BackupSettings(Model):
    """Schedule of database dumps, their retention, and the recipients of backup alarms (requirements W01, W03)."""

    schedule: Schedule | None = Field(None, description="cron expression, UTC")
    retention_days: int | None = Field(None, ge=1, le=365, description="days until a dump expires")
    lock_days: int | None = Field(
        None, ge=1, le=365, description="days of object lock, in which a dump cannot be deleted"
    )
    alarm_hours: int | None = Field(None, ge=2, le=168, description="hours without a good backup until the alarm")
    region: str | None = Field(
        None, description="region of the bucket, its keys and logs; fixed at the first deployment, one of regions"
    )
    notify: tuple[Email, ...] = Field(
        (), strict=False, max_length=MAXIMUM_EMAILS, description="e-mail addresses that the alarm notifies"
    )


class ImageSettings(Model):
    """Images of the servers that run in the cluster; digests outside local."""

    postgres: Image = Field("postgres:17", description="Postgres 15 or newer")
    redis: Image = Field("redis:7", description="Redis 7")
    pgbouncer: Image = Field("pgbouncer:1.23", description="PgBouncer")


class SecretSettings(Model):
    """Renewal of the stack's passwords and keys without downtime (requirement X02); `contentgen rotate` writes both."""

    generation: int = Field(1, ge=1, description="counts rotations: raising it makes new passwords the ones in use")
    retired: int = Field(0, ge=0, description="the last rotation whose old passwords were made useless")

    @model_validator(mode="after")
    def _no_later_than_begun(self) -> Self:
        if self.retired > self.generation:
            raise ValueError(f"retired {self.retired} is above generation {self.generation}, which has not begun")
        return self
