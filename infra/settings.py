"""Schema of a stack file: one strict model, checked whole before any resource exists (requirement S06).

Everything optional falls back to the environment's profile (``stacks.profile``), so a stack file holds only what is
special about the stack. No I/O here: the caller brings the text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from infra.clusters import ClusterSettings, ControllerSettings
from infra.errors import SettingsError, Wrong, described
from infra.headers import MAXIMUM_HEADERS_A_ROUTE, SECURITY_HEADERS
from infra.limits import GIBIBYTE, LIMITS, LONGEST_STACK_NAME, ScaleLimits
from infra.nodes import NodeSettings
from infra.regions import BY_CODE, in_priority_order
from infra.sections import (
    AccessSettings,
    AdminSettings,
    AlertSettings,
    BackupSettings,
    BudgetSettings,
    EdgeSettings,
    Environment,
    ImageSettings,
    PostgresSettings,
    Product,
    RateSettings,
    RedisSettings,
    SecretSettings,
    ServiceSettings,
    TelemetrySettings,
    WriterSettings,
)
from infra.shapes import ACCOUNT_PATTERN, Domain, HeaderName, HeaderValue, Image, Model, TagValue, memory_bytes

NAMESPACE: Final = "contentgen"


class StackSettings(Model):
    """A whole stack file."""

    environment: Environment = Field(strict=False, description="profile the stack starts from")
    product: Product = Field(Product.CONTENT_GENERATION, strict=False, description="product to deploy")
    domain: Domain = Field(description="domain of the page; the public API answers at api.<domain>")
    account: str | None = Field(
        None, pattern=ACCOUNT_PATTERN, description="AWS account of the stack; a real deployment to any other is refused"
    )
    regions: tuple[str, ...] = Field(strict=False, min_length=1, description="AWS regions to deploy to")
    image: Image = Field("contentgen:dev", description="image of the application; a digest outside local")
    owner: TagValue = Field("platform", description="team that answers for the stack")
    services: dict[str, ServiceSettings] = Field(default_factory=dict, description="size by service, see limits")
    postgres: PostgresSettings = PostgresSettings()
    redis: RedisSettings = RedisSettings()
    backup: BackupSettings = BackupSettings()
    budget: BudgetSettings = BudgetSettings()
    alerts: AlertSettings = AlertSettings()
    nodes: NodeSettings = NodeSettings()
    edge: EdgeSettings = EdgeSettings()
    rates: RateSettings = RateSettings()
    admin: AdminSettings = AdminSettings()
    images: ImageSettings = ImageSettings()
    secrets: SecretSettings = SecretSettings()
    writers: WriterSettings = WriterSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    headers: dict[HeaderName, HeaderValue | None] = Field(
        default_factory=dict, description="headers that differ; null drops one"
    )
    access: AccessSettings = AccessSettings()
    controllers: ControllerSettings = ControllerSettings()
    clusters: dict[str, ClusterSettings] = Field(default_factory=dict, description="Kubernetes access by region")

    @field_validator("regions")
    @classmethod
    def _known_regions(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [region for region in regions if region not in BY_CODE]
        if unknown:
            raise ValueError(f"unknown region {', '.join(unknown)}; allowed are {', '.join(BY_CODE)}")
        if len(set(regions)) != len(regions):
            raise ValueError("a region is listed twice; each may stand once")
        return regions

    @field_validator("clusters")
    @classmethod
    def _known_clusters(cls, clusters: dict[str, ClusterSettings]) -> dict[str, ClusterSettings]:
        unknown = [region for region in clusters if region not in BY_CODE]
        if unknown:
            raise ValueError(f"unknown region {', '.join(unknown)}; allowed are {', '.join(BY_CODE)}")
        return clusters

    @field_validator("headers")
    @classmethod
    def _few_headers(cls, headers: dict[str, str | None]) -> dict[str, str | None]:
        count = len(_merged(headers))
        if count > MAXIMUM_HEADERS_A_ROUTE:
            raise ValueError(f"{count} headers in all; a route takes at most {MAXIMUM_HEADERS_A_ROUTE}")
        return headers

    @model_validator(mode="after")
    def _backups_in_a_region_of_the_stack(self) -> Self:
        if self.backup.region is not None and self.backup.region not in self.regions:
            raise ValueError(f"backup.region {self.backup.region} must be one of regions: {', '.join(self.regions)}")
        return self

    @property
    def home_region(self) -> str:
        """Region of what exists once in a stack: backups, their keys, logs and notices."""
        return self.backup.region or in_priority_order(self.regions)[0].code

    @property
    def security_headers(self) -> dict[str, str]:
        """The default headers with the stack's own values; a null takes one away (and the policy pack refuses that)."""
        return {name: value for name, value in _merged(self.headers).items() if value is not None}


def parse(stack: str, values: Mapping[str, object]) -> StackSettings:
    """The settings of a stack file's ``contentgen:`` values.

    Raises SettingsError with every wrong value, each with the key, the value got and what is allowed.
    """
    file = f"Pulumi.{stack}.yaml"
    wrong = _name_too_long(stack)
    settings: StackSettings | None = None
    try:
        settings = StackSettings.model_validate(dict(values))
    except ValidationError as error:
        wrong += described(error, NAMESPACE)
    wrong += _beyond_limits(values)
    if wrong or settings is None:
        raise SettingsError(file, tuple(wrong))
    return settings


def _name_too_long(stack: str) -> list[Wrong]:
    if len(stack) <= LONGEST_STACK_NAME:
        return []
    allowed = f"must have at most {LONGEST_STACK_NAME} characters, or names in AWS would be too long; rename the stack"
    return [Wrong("stack", stack, allowed)]


def parse_config(stack: str, config: Mapping[str, str]) -> StackSettings:
    """The same from what the engine hands to a program: text, with mappings and lists as JSON."""
    return parse(stack, {key: _value(text) for key, text in config.items()})


def _value(text: str) -> object:
    """Keys that are neither mapping nor list are all text, so a team called 42 stays a name."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _merged(headers: Mapping[str, str | None]) -> dict[str, str | None]:
    """The default headers with others over them; names differ only by more than case, as in HTTP."""
    spelt = {name.lower(): name for name in SECURITY_HEADERS}
    return {**SECURITY_HEADERS, **{spelt.get(name.lower(), name): value for name, value in headers.items()}}


def _beyond_limits(values: Mapping[str, object]) -> list[Wrong]:
    """Limits of the product, checked even when something else in the file is wrong, so that all is said at once."""
    limits = LIMITS.get(str(values.get("product", Product.CONTENT_GENERATION)))
    if limits is None:
        return []
    services, postgres, budget = values.get("services"), values.get("postgres"), values.get("budget")
    wrong: list[Wrong] = []
    if isinstance(services, Mapping):
        for name, service in services.items():
            wrong += _service_beyond(str(name), service, limits)
    if isinstance(postgres, Mapping):
        for field, limit in (("storage_gb", limits.storage_gb), ("max_connections", limits.database_connections)):
            value = postgres.get(field)
            if isinstance(value, int) and value > limit:
                wrong.append(Wrong(f"{NAMESPACE}:postgres.{field}", value, f"must be at most {limit} (Y02)"))
    regions = values.get("regions")
    if isinstance(budget, Mapping) and isinstance(regions, Sequence):
        money, most = budget.get("monthly_usd"), limits.monthly_usd * len(regions)
        if isinstance(money, int) and money > most:
            allowed = f"must be at most {most}: {limits.monthly_usd} a region (M01)"
            wrong.append(Wrong(f"{NAMESPACE}:budget.monthly_usd", money, allowed))
    return wrong


def _service_beyond(name: str, service: object, limits: ScaleLimits) -> list[Wrong]:
    key = f"{NAMESPACE}:services.{name}"
    if name not in limits.instances:
        return [Wrong(key, name, f"allowed services are {', '.join(limits.instances)}")]
    if not isinstance(service, Mapping):
        return []
    wrong: list[Wrong] = []
    # A minimum alone lifts the maximum with it, so both ends are held.
    for end in ("minimum", "maximum"):
        instances = service.get(end)
        if isinstance(instances, int) and instances > limits.instances[name]:
            allowed = f"must be at most {limits.instances[name]}, the limit of {name} (Y02)"
            wrong.append(Wrong(f"{key}.{end}", instances, allowed))
    memory = service.get("memory")
    if isinstance(memory, str) and (memory_bytes(memory) or 0) > limits.memory_bytes:
        allowed = f"must be at most {limits.memory_bytes // GIBIBYTE}Gi an instance (Y02)"
        wrong.append(Wrong(f"{key}.memory", memory, allowed))
    return wrong
