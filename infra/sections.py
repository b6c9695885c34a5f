"""The sections of a stack file: strict, frozen models, each for one subject. No I/O."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from infra.clusters import Network
from infra.shapes import (
    GROUP_PATTERN,
    INSTANCE_CLASS_PATTERN,
    MAXIMUM_EMAILS,
    NODE_TYPE_PATTERN,
    OBJECT_NAME,
    Cpu,
    Domain,
    Email,
    Image,
    LabelName,
    LabelValue,
    Memory,
    Model,
    Schedule,
)
from infra.sizes import DatabaseSize, RedisSize


class Environment(StrEnum):
    """Environment of a stack: chooses its profile and its policy levels."""

    LOCAL = "local"
    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"

    @property
    def asks_for_keys(self) -> bool:
        """True if clients need an API key (requirement E03); where they do not, the page says so."""
        return self in (Environment.STAGING, Environment.PROD)


class Backend(StrEnum):
    """Place of a data store: in the cluster, or as an AWS service (requirement P04)."""

    CLUSTER = "cluster"
    MANAGED = "managed"


class EdgeKind(StrEnum):
    """Kind of a cluster's edge: the Gateway API, or ingress-nginx where it is still in use."""

    GATEWAY = "gateway"
    INGRESS = "ingress"


class Tier(StrEnum):
    """The vertical sizes of an instance by their names (requirement K18)."""

    STANDARD = "standard"
    PRO = "pro"
    PREMIUM = "premium"


TIER_MEMORY: Final = MappingProxyType({Tier.STANDARD: "512Mi", Tier.PRO: "1Gi", Tier.PREMIUM: "2Gi"})


class ServiceSettings(Model):
    """One service's size. ``minimum`` and ``maximum`` are instances a region; ``memory`` is the limit of one."""

    minimum: int | None = Field(None, ge=1, description="instances the autoscaler keeps at least")
    maximum: int | None = Field(None, ge=1, description="instances the autoscaler goes up to")
    image: Image | None = Field(None, description="image of this service alone; a digest outside local")
    memory: Memory | None = Field(None, description="memory limit of one instance, such as 1Gi")
    cpu: Cpu | None = Field(None, description="CPU limit of one instance, such as 1000m")
    tier: Tier | None = Field(None, strict=False, description="memory by name: standard 512Mi, pro 1Gi, premium 2Gi")
    sticky: bool | None = Field(None, description="a client's requests go to the same instance while it is healthy")
    processes: int | None = Field(None, ge=1, le=8, description="server processes of one instance")
    pool: int | None = Field(None, ge=1, le=100, description="database connections a process keeps open")
    overflow: int | None = Field(None, ge=0, le=100, description="database connections a process adds in a rush")

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.tier is not None and self.memory is not None:
            raise ValueError(f"tier {self.tier} and memory {self.memory} say the same thing twice; give one of them")
        return self

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self


class PostgresSettings(Model):
    """The database: where it runs and how big it is. ``size`` is a step of the ladder (P03)."""

    backend: Backend | None = Field(None, strict=False, description="cluster or managed")
    size: DatabaseSize | None = Field(
        None, strict=False, description="what it may use, in the cluster or managed (P03)"
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


class BudgetSettings(Model):
    """Monthly budget and the addresses that it notifies (requirement M01)."""

    monthly_usd: int | None = Field(None, ge=1, le=100_000, description="limit of a calendar month, USD")
    notify: tuple[Email, ...] = Field(
        (),
        strict=False,
        max_length=MAXIMUM_EMAILS,
        description="e-mail addresses that are notified beside the SNS topic",
    )


def _ordinary(group: str) -> str:
    """Raises ValueError for one of Kubernetes' own groups: some of them hold every user, one is the administrator."""
    if group.startswith("system:"):
        raise ValueError(f"{group} is one of Kubernetes' own groups; name a group of people")
    return group


Group = Annotated[str, StringConstraints(pattern=GROUP_PATTERN), AfterValidator(_ordinary)]
Groups = Annotated[tuple[Group, ...], Field(strict=False)]


class AccessSettings(Model):
    """Groups of people as the cluster's identity provider names them (requirement S08). What each may do is the
    environment's business; a team without access there is an error.
    """

    engineers: Groups = Field((), description="who builds the service")
    quality: Groups = Field((), description="who tests it; staging only")
    operations: Groups = Field((), description="who runs it; prod only")
    break_glass: Groups = Field((), description="who may open a shell in prod, and so read secrets, in an emergency")

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        every = [*self.engineers, *self.quality, *self.operations, *self.break_glass]
        twice = sorted({group for group in every if every.count(group) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is listed twice: a group would have the rights of both teams")
        return self


class EdgeSettings(Model):
    """Load balancer, gateway and certificate of a region's public edge (requirement K14)."""

    kind: EdgeKind = Field(EdgeKind.GATEWAY, strict=False, description="gateway, or ingress for ingress-nginx")
    certificate_names: tuple[Domain, ...] = Field(
        (), strict=False, description="names beside the API's and the front end's that the certificate is for"
    )
    certificate_email: Email | None = Field(None, description="who the certificate authority writes to")


class ImageSettings(Model):
    """Images of the servers that run in the cluster; digests outside local."""

    postgres: Image = Field("postgres:17", description="Postgres 15 or newer")
    redis: Image = Field("redis:7", description="Redis 7")
    pgbouncer: Image = Field("pgbouncer:1.23", description="PgBouncer")


class Writer(StrEnum):
    """Provider of the texts; ``embedded`` makes them up, without a network and without a key."""

    EMBEDDED = "embedded"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"


class WriterSettings(Model):
    """The language models behind the service (requirement E07). The embedded cloud always uses the embedded writer."""

    providers: tuple[Annotated[Writer, Field(strict=False)], ...] = Field(
        (Writer.EMBEDDED,), strict=False, min_length=1, description="in the order they are tried"
    )
    secret: str | None = Field(
        None,
        pattern=OBJECT_NAME,
        description="Kubernetes Secret with a key <provider>_api_key for each, made by the keys' owner",
    )
    batches: bool = Field(
        False, description="whether texts of priority `cost` come from the provider's batches: half the price, in a day"
    )


class LogLevel(StrEnum):
    """From which importance on the service writes its log."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class TelemetrySettings(Model):
    """Logs, errors and traces that the service emits (requirements B04, E11)."""

    log_level: LogLevel = Field(LogLevel.INFO, strict=False, description="least importance that is logged")
    secret: str | None = Field(
        None,
        pattern=OBJECT_NAME,
        description="Kubernetes Secret with the key sentry_dsn, made by the owner of the error tracker's account",
    )


class AlertSettings(Model):
    """Labels and recipients of alerts: prometheus-operator in the cluster (requirement K19), CloudWatch for managed
    stores.
    """

    operator: bool = Field(
        True, description="whether the clusters have prometheus-operator; without it no alert rule is declared"
    )
    labels: dict[LabelName, LabelValue] = Field(
        default_factory=dict, description="labels by which the clusters' Prometheus selects rules and pods to read"
    )
    notify: tuple[Email, ...] = Field(
        (), strict=False, max_length=MAXIMUM_EMAILS, description="e-mail addresses that managed stores' alarms notify"
    )


class RateSettings(Model):
    """Requests that one client address may send where its key has no tier (requirements A10, E05); the application's
    own limits unless stated.
    """

    requests_per_minute: int | None = Field(
        None, ge=1, description="requests of one address a minute; 100 unless stated, blog-ai has 60"
    )
    requests_per_hour: int | None = Field(None, ge=1, description="requests of one address an hour; 1000 unless stated")
    generations_per_minute: int | None = Field(
        None, ge=1, description="texts that one address asks for a minute; 10 unless stated"
    )


class AdminSettings(Model):
    """From where the service is administered over its public API (requirements A11, D02); nowhere unless stated."""

    networks: tuple[Network, ...] = Field(
        (), strict=False, description="addresses and networks that reach /admin/, with the administrator's token"
    )


class SecretSettings(Model):
    """Renewal of the stack's passwords and keys without downtime (requirement X02); `contentgen rotate` writes both."""

    generation: int = Field(1, ge=1, description="counts rotations: raising it makes new passwords the ones in use")
    retired: int = Field(0, ge=0, description="the last rotation whose old passwords were made useless")

    @model_validator(mode="after")
    def _no_later_than_begun(self) -> Self:
        if self.retired > self.generation:
            raise ValueError(f"retired {self.retired} is above generation {self.generation}, which has not begun")
        return self
