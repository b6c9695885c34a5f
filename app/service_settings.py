"""Settings of every process and task that uses the platform's stores and API keys, whichever its product."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, PostgresDsn, SecretStr, TypeAdapter, ValidationError, model_validator

from app.ids import region_code
from app.process_settings import PRODUCTION_LIKE, ProcessSettings, Region


def _postgres_url(value: SecretStr) -> SecretStr:
    try:
        TypeAdapter(PostgresDsn).validate_python(value.get_secret_value())
    except ValidationError:
        raise ValueError("must be postgresql://user:password@host:port/database?sslmode=...") from None
    return value


DatabaseUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]


class ServiceSettings(ProcessSettings):
    """Stores, identity, limits of callers and backups of one product. Of a secret with a ``_before`` and a ``_next``
    all three values are accepted, and the one without is used (X02).
    """

    # Database (B02, E09)
    database_url: DatabaseUrl = Field(description="Database for requests, through the pooler.")
    database_url_direct: DatabaseUrl = Field(description="Database past the pooler, for LISTEN and migrations.")
    database_read_url: DatabaseUrl | None = Field(None, description="Database for reads; default: database_url.")
    database_admin_url: DatabaseUrl | None = Field(None, description="Login that makes logins; migrations only.")
    database_logins: dict[str, SecretStr] = Field({}, description="Logins and passwords to renew by it (JSON).")
    database_owner_logins: dict[str, SecretStr] = Field({}, description="The owner's logins, likewise (JSON).")
    database_storage_gb: int | None = Field(None, ge=1, description="The server's disk; copies must fit on it.")
    database_pool_size: int = Field(10, ge=1, le=100, description="Connections kept open.")
    database_max_overflow: int = Field(20, ge=0, le=100, description="Connections added in a rush.")
    database_pool_timeout_seconds: float = Field(30, gt=0, le=120, description="Wait for a free connection.")
    database_pool_recycle_seconds: int = Field(1800, ge=60, description="Age at which a connection is replaced.")
    database_statement_timeout_seconds: float = Field(10, gt=0, le=300, description="Time limit of a statement.")
    migration_lock_timeout_seconds: float = Field(5, gt=0, le=60, description="Time limit of a wait for a lock.")

    # Redis
    redis_url: SecretStr | None = Field(None, description="Redis of the cache; optional.")
    redis_queue_url: SecretStr | None = Field(None, description="Redis of counters; default: redis_url.")
    redis_cluster: bool = Field(False, description="REDIS_URL is a cluster; needs a redis_queue_url of its own.")
    redis_timeout_seconds: float = Field(0.25, gt=0, le=5, description="Slower than this counts as down.")

    # Identity
    api_key_required: bool | None = Field(None, description="Default: required in staging and prod.")
    session_secret: SecretStr | None = Field(None, min_length=32, description="Secret that signs sessions.")
    session_secret_before: SecretStr | None = Field(None, min_length=32, description="Secret before, accepted (X02).")
    session_secret_next: SecretStr | None = Field(None, min_length=32, description="Secret to come, accepted (X02).")
    session_seconds: int = Field(3600, ge=60, le=86_400, description="Lifetime of a session.")

    # Limits (A10, E04, E05)
    rate_limit_enabled: bool = Field(True, description="Enforce the rate limits.")
    rate_limit_per_minute: int = Field(100, ge=1, description="Requests of one address a minute.")
    rate_limit_per_hour: int | None = Field(1000, ge=1, description="Requests of one address an hour.")
    rate_limit_generate_per_minute: int = Field(10, ge=1, description="Texts of one address a minute.")

    # Autoscaling (K10)
    requests_noted: bool = Field(False, description="Keep the time of the last request, for the autoscaler.")

    # Cache (A09, E06)
    cache_local_seconds: int = Field(60, ge=0, description="Lifetime of a value in the process.")
    cache_seconds: int = Field(3600, ge=1, description="Lifetime of a value in Redis.")

    # Backup
    backup_bucket: str | None = Field(None, description="S3 bucket of the backups.")
    backup_bucket_region: Region | None = Field(None, description="Default: the region of the service.")
    backup_metrics: str | None = Field(None, description="CloudWatch namespace that successes are counted in.")
    pg_bin: str | None = Field(None, description="Folder of the Postgres programs; default: from PATH.")

    @model_validator(mode="after")
    def _counters_apart(self) -> Self:
        if self.redis_cluster and self.redis_queue_url is None:
            raise ValueError("REDIS_CLUSTER: set REDIS_QUEUE_URL too; counters need a Redis that is no cluster")
        return self

    @property
    def keys_required(self) -> bool:
        """True if a caller without an API key or session is refused (E03)."""
        return self.environment in PRODUCTION_LIKE if self.api_key_required is None else self.api_key_required

    @property
    def session_secrets(self) -> tuple[str, ...]:
        """The first signs sessions, all are accepted."""
        return given(self.session_secret, self.session_secret_before, self.session_secret_next)

    @property
    def region_short(self) -> str:
        """The region as job ids carry it."""
        return region_code(self.region)


def filled(values: dict[str, object], names: tuple[str, ...], sources: tuple[str, ...]) -> dict[str, object]:
    """The values with a missing one taken from another; each may be given by any of its names."""
    if any(name in values for name in names):
        return values
    found = next((values[source] for source in sources if source in values), None)
    return values if found is None else {names[0]: found, **values}


def given(*secrets: SecretStr | None) -> tuple[str, ...]:
    """Values of those secrets that are set, in order."""
    return tuple(secret.get_secret_value() for secret in secrets if secret is not None)
