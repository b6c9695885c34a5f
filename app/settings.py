"""Everything a deployment can say to the service, typed; every wrong value is reported at once, before anything starts.

Values come from environment variables and from files in the folder SECRETS_DIR (one file a key, lower-case names); a
file wins over nothing but the default, so an operator can override it for one process.
"""

import os
import socket
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PostgresDsn,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.headers import HSTS, SECURITY_HEADERS
from app.ids import region_code
from app.providers import Provider, ProviderSettings

Network = IPv4Network | IPv6Network
PRODUCTION_LIKE = ("staging", "prod")


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _postgres_url(value: SecretStr) -> SecretStr:
    try:
        TypeAdapter(PostgresDsn).validate_python(value.get_secret_value())
    except ValidationError:
        raise ValueError("must be postgresql://user:password@host:port/database?sslmode=...") from None
    return value


def _region(value: str) -> str:
    region_code(value)
    return value


DatabaseUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
Region = Annotated[str, AfterValidator(_region)]
CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]


class Environment(StrEnum):
    """Which stack this process serves; staging and prod are closed down (E02)."""

    LOCAL = "local"
    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"


class LogLevel(StrEnum):
    """Names of the standard library's levels."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class ConfigurationError(Exception):
    """The settings are wrong; `problems` has one sentence for each, and none of them shows a secret."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(ProviderSettings, BaseSettings):
    """The service's configuration. Seconds, bytes and US dollars throughout; see docs for each variable."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    # Who and where
    environment: Environment = Environment.LOCAL
    region: Region = "us-east-1"
    region_urls: dict[Region, str] = Field(
        {}, description="Base URLs of the other regions' APIs, by region name (JSON)."
    )
    service: str = Field("contentgen", min_length=1, max_length=60)
    instance_id: str = Field(default_factory=socket.gethostname, max_length=100)
    version: str = "dev"
    host: str = "0.0.0.0"
    port: int = Field(8000, ge=1, le=65535)
    uvicorn_workers: int = Field(1, ge=1, le=64)
    grace_seconds: int = Field(30, ge=1, le=600, description="Time for requests and jobs in flight to end (SIGTERM).")
    drain_seconds: float = Field(0, ge=0, le=60, description="Serve on with /ready 503 before the listener closes.")

    # Database (B02, E09)
    database_url: DatabaseUrl
    database_url_direct: DatabaseUrl
    database_read_url: DatabaseUrl | None = None
    database_admin_url: DatabaseUrl | None = Field(None, description="Who may make logins; migrations alone have it.")
    database_logins: dict[str, SecretStr] = Field({}, description="Logins and passwords to renew by it (JSON).")
    database_pool_size: int = Field(10, ge=1, le=100)
    database_max_overflow: int = Field(20, ge=0, le=100)
    database_pool_timeout_seconds: float = Field(30, gt=0, le=120)
    database_pool_recycle_seconds: int = Field(1800, ge=60)
    database_statement_timeout_seconds: float = Field(10, gt=0, le=300)
    migration_lock_timeout_seconds: float = Field(5, gt=0, le=60)

    # Redis
    redis_url: SecretStr | None = None
    redis_queue_url: SecretStr | None = None
    redis_timeout_seconds: float = Field(0.25, gt=0, le=5, description="Slower than this counts as down.")

    # Jobs
    im_url: CommaList = ("http://im",)
    worker_concurrency: int = Field(10, ge=2, le=200)
    job_lease_seconds: float = Field(30, ge=1, le=600, description="A worker silent this long has lost its jobs.")
    job_max_attempts: int = Field(5, ge=1, le=20)
    job_retry_base_seconds: float = Field(2, gt=0, le=600)
    job_expiry_seconds: int = Field(86_400, ge=60, description="A job that has not begun by then never will.")
    job_sweep_seconds: float = Field(30, ge=0.1, le=3600)

    # Edge
    security_headers: dict[str, str] = Field(default_factory=lambda: dict(SECURITY_HEADERS))
    security_hsts_enabled: bool = True
    https_redirect_enabled: bool = False
    trusted_proxies: Networks = ()
    allowed_hosts: CommaList = ("*",)
    cors_origins: CommaList = ()
    max_body_bytes: int = Field(10 * 1024 * 1024, ge=1024)
    allowed_admin_ips: Networks = Field((), description="Who may call /admin; empty means nobody.")
    admin_token: SecretStr | None = Field(None, min_length=16)
    api_key_required: bool | None = Field(None, description="Default: required in staging and prod.")
    session_secret: SecretStr | None = Field(None, min_length=32)
    session_seconds: int = Field(3600, ge=60, le=86_400)
    webhook_secret: SecretStr | None = Field(None, min_length=16)
    stripe_api_url: str | None = None
    dev_mode: bool = False

    # Limits (A10, E04, E05)
    rate_limit_enabled: bool = True
    rate_limit_per_minute: int = Field(100, ge=1)
    rate_limit_per_hour: int = Field(1000, ge=1)
    rate_limit_generate_per_minute: int = Field(10, ge=1)

    # Cache (A09, E06)
    cache_local_seconds: int = Field(60, ge=0)
    cache_seconds: int = Field(3600, ge=1)

    # Telemetry (E11, B04)
    log_level: LogLevel = LogLevel.INFO
    log_format_json: bool = True
    request_logging_enabled: bool = True
    slow_request_seconds: float = Field(5, gt=0)
    sentry_dsn: SecretStr | None = None
    sentry_traces_sample_rate: float | None = Field(None, ge=0, le=1, description="Default: 0.1 in prod, else 1.0.")
    sentry_profiles_sample_rate: float = Field(0.1, ge=0, le=1)
    otel_exporter_otlp_endpoint: str | None = None

    # Backup
    backup_bucket: str | None = None
    backup_bucket_region: Region | None = Field(None, description="Default: the region of the service.")
    pg_bin: str | None = None

    @field_validator("dev_mode")
    @classmethod
    def _not_open_in_production(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("environment") in PRODUCTION_LIKE:
            raise ValueError("must be false in staging and prod")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _named_origins_in_production(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("environment") in PRODUCTION_LIKE:
            wrong = [origin for origin in value if not origin.startswith("https://")]
            if wrong:
                raise ValueError(f"origins must begin with https:// in staging and prod, not {', '.join(wrong)}")
        return value

    @property
    def closed(self) -> bool:
        """True where documentation and debug routes do not exist (E02, E11)."""
        return self.environment in PRODUCTION_LIKE and not self.dev_mode

    @property
    def keys_required(self) -> bool:
        """Whether a caller without an API key or session is refused (E03)."""
        return self.environment in PRODUCTION_LIKE if self.api_key_required is None else self.api_key_required

    @property
    def writing_problem(self) -> str | None:
        """Why im must not start with these settings (E07); a matter of im alone, because only im is given keys."""
        made_up = set(self.llm_providers) == {Provider.EMBEDDED}
        if self.environment in PRODUCTION_LIKE and made_up and not self.allow_embedded_writer:
            return (
                f"LLM_PROVIDERS: names the embedded writer alone, and this is '{self.environment}'; name a provider and"
                " give its key, or set ALLOW_EMBEDDED_WRITER=true where made-up texts will do"
            )
        return None

    @property
    def region_short(self) -> str:
        """The region as job ids carry it."""
        return region_code(self.region)

    @property
    def traces_sample_rate(self) -> float:
        """Sentry's share of traced requests (E11)."""
        if self.sentry_traces_sample_rate is not None:
            return self.sentry_traces_sample_rate
        return 0.1 if self.environment is Environment.PROD else 1.0

    @property
    def response_headers(self) -> dict[str, str]:
        """The security headers in force."""
        return {k: v for k, v in self.security_headers.items() if self.security_hsts_enabled or k != HSTS}


def load_settings(**overrides: object) -> Settings:
    """Read environment and secret files. Raises ConfigurationError with every problem there is."""
    folder = os.environ.get("SECRETS_DIR") or None
    if folder is not None and not Path(folder).is_dir():
        raise ConfigurationError((f"SECRETS_DIR: '{folder}' is not a folder; give the folder the secrets are in",))
    try:
        return Settings(_secrets_dir=folder, **overrides)  # type: ignore[call-arg]
    except ValidationError as error:
        raise ConfigurationError(_sentences(error)) from None


def _sentences(error: ValidationError) -> tuple[str, ...]:
    sentences: list[str] = []
    for problem in error.errors(include_url=False, include_context=False):
        variable = ".".join(str(part) for part in problem["loc"])
        name = variable.split(".")[0].lower()
        field = Settings.model_fields.get(name)
        secret = field is None or "Secret" in repr(field.annotation)
        given = os.environ.get(name.upper())
        shown = "" if secret or given is None else f" (given: '{given[:100]}')"
        sentences.append(f"{variable.upper()}: {problem['msg'].removeprefix('Value error, ')}{shown}")
    return tuple(sentences)
