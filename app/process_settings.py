"""Settings of every process that answers requests, whatever its role, and their sources.

Values come from environment variables and from files in the folder SECRETS_DIR (one file a key, lower-case names); a
file wins over nothing but the default, so an operator can override it for one process. Every wrong value is reported at
once, before anything starts.
"""

import os
import socket
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.headers import HSTS, SECURITY_HEADERS
from app.ids import region_code

Network = IPv4Network | IPv6Network
PRODUCTION_LIKE = ("staging", "prod")


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _region(value: str) -> str:
    region_code(value)
    return value


Region = Annotated[str, AfterValidator(_region)]
CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]


class Environment(StrEnum):
    """Environment of the stack that this process serves; staging and prod are closed down (E02)."""

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


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class ConfigurationError(Exception):
    """The settings are wrong; `problems` has one sentence for each, and none of them shows a secret."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ProcessSettings(BaseSettings):
    """Identity, edge and telemetry of a process. Seconds, bytes and US dollars throughout."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    # Who and where
    environment: Environment = Field(Environment.LOCAL, description="Environment of the stack.")
    region: Region = Field("us-east-1", description="AWS region.")
    service: str = Field("contentgen", min_length=1, max_length=60, description="Name in logs and metrics.")
    instance_id: str = Field(
        default_factory=socket.gethostname, max_length=100, description="Name of the pod; default: the host's name."
    )
    version: str = Field("dev", description="Release.")
    host: str = Field("0.0.0.0", description="Address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
    uvicorn_workers: int = Field(1, ge=1, le=64, description="Server processes.")
    grace_seconds: int = Field(30, ge=1, le=600, description="Time for requests and jobs in flight to end (SIGTERM).")
    drain_seconds: float = Field(0, ge=0, le=60, description="Serve on with /ready 503 before the listener closes.")

    # Edge
    security_headers: dict[str, str] = Field(
        default_factory=lambda: dict(SECURITY_HEADERS), description="Response headers (JSON)."
    )
    security_hsts_enabled: bool = Field(True, description="Send Strict-Transport-Security.")
    https_redirect_enabled: bool = Field(False, description="Redirect plain HTTP to HTTPS.")
    trusted_proxies: Networks = Field((), description="Networks whose X-Forwarded-For is trusted.")
    proxy_hops: int = Field(1, ge=1, le=5, description="Number of our proxies that add to X-Forwarded-For.")
    allowed_hosts: CommaList = Field(("*",), description="Accepted Host headers.")
    cors_origins: CommaList = Field((), description="Origins that may read replies.")
    max_body_bytes: int = Field(10 * 1024 * 1024, ge=1024, description="Largest body of a request.")
    dev_mode: bool = Field(False, description="Open the documentation and debug routes.")

    # Telemetry (E11, B04)
    log_level: Annotated[LogLevel, BeforeValidator(_upper)] = Field(
        LogLevel.INFO, description="Least level that is logged."
    )
    log_format_json: bool = Field(True, description="Log lines as JSON, else as text.")
    request_logging_enabled: bool = Field(True, description="One log line for each request.")
    slow_request_seconds: float = Field(5, gt=0, description="Duration from which a request is logged as slow.")
    sentry_dsn: SecretStr | None = Field(None, description="DSN of the error tracker.")
    sentry_traces_sample_rate: float | None = Field(None, ge=0, le=1, description="Default: 0.1 in prod, else 1.0.")
    sentry_profiles_sample_rate: float = Field(0.1, ge=0, le=1, description="Share of profiled requests.")
    otel_exporter_otlp_endpoint: str | None = Field(None, description="Collector of traces (OTLP over HTTP).")

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
    def traces_sample_rate(self) -> float:
        """Sentry's share of traced requests (E11)."""
        if self.sentry_traces_sample_rate is not None:
            return self.sentry_traces_sample_rate
        return 0.1 if self.environment is Environment.PROD else 1.0

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port to listen on."""
        return (self.port,)

    @property
    def reported_as(self) -> tuple[str, str]:
        """Environment and release in the error tracker (B04)."""
        return self.environment.value, self.version

    @property
    def response_headers(self) -> dict[str, str]:
        """The security headers in force."""
        return {k: v for k, v in self.security_headers.items() if self.security_hsts_enabled or k != HSTS}


Kind = TypeVar("Kind", bound=ProcessSettings)


def load(kind: type[Kind], **overrides: object) -> Kind:
    """Read environment and secret files. Raises ConfigurationError with every problem there is."""
    folder = os.environ.get("SECRETS_DIR") or None
    if folder is not None and not Path(folder).is_dir():
        raise ConfigurationError((f"SECRETS_DIR: '{folder}' is not a folder; give the folder the secrets are in",))
    try:
        return kind(_secrets_dir=folder, **overrides)  # type: ignore[call-arg]
    except ValidationError as error:
        raise ConfigurationError(_sentences(kind, error)) from None


def _variable(name: str, field: FieldInfo | None) -> str:
    """The variable that a value came from: of a field with several names the first that is set."""
    choices = field.validation_alias if field is not None else None
    names = choices.choices if isinstance(choices, AliasChoices) else [name]
    variables = [str(one).upper() for one in names]
    return next((one for one in variables if one in os.environ), variables[0])


def _sentences(kind: type[ProcessSettings], error: ValidationError) -> tuple[str, ...]:
    sentences: list[str] = []
    for problem in error.errors(include_url=False, include_context=False):
        said = problem["msg"].removeprefix("Value error, ")
        if not problem["loc"]:
            sentences.append(said)
            continue
        first, *rest = (str(part) for part in problem["loc"])
        field = kind.model_fields.get(first.lower())
        name = _variable(first, field)
        secret = field is None or "Secret" in repr(field.annotation)
        given = os.environ.get(name)
        shown = "" if secret or given is None else f" (given: '{given[:100]}')"
        variable = ".".join((name, *rest)).upper()
        sentences.append(f"{variable}: {said}{shown}")
    return tuple(sentences)
