"""Schema of a stack file: one strict model, checked whole before any resource exists (requirement S06).

Everything optional falls back to the environment's profile (``stacks.profile``), so a stack file holds only what is
special about the stack. No I/O here: the caller brings the text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from infra.catalog.headers import MAXIMUM_HEADERS_A_ROUTE, SECURITY_HEADERS
from infra.catalog.regions import BY_CODE, in_priority_order
from infra.settings.access import AccessSettings, AdminSettings
from infra.settings.clusters import ClusterSettings, ControllerSettings
from infra.settings.edge import EdgeSettings, RateSettings
from infra.settings.environment import Environment
from infra.settings.errors import Wrong, described
from infra.settings.idling import IdleSettings
from infra.settings.monitoring import AlertSettings, BudgetSettings, TelemetrySettings
from infra.settings.nodes import NodeSettings
from infra.settings.payments import PaymentSettings
from infra.settings.rendering import RendererSettings
from infra.settings.research import ResearchSettings
from infra.settings.services import ServiceSettings
from infra.settings.stores import BackupSettings, ImageSettings, PostgresSettings, RedisSettings, SecretSettings
from infra.settings.value_types import (
    ACCOUNT_PATTERN,
    Domain,
    HeaderName,
    HeaderValue,
    Image,
    Model,
    NamespaceName,
    TagValue,
)
from infra.settings.writers import WriterSettings

NAMESPACE: Final = "contentgen"
"""Prefix of the keys in a stack file."""

DEFAULT_PRODUCT: Final = "content-generation"


class StackSettings(Model):
    """A whole stack file."""

    environment: Environment = Field(strict=False, description="profile the stack starts from")
    product: str = Field(DEFAULT_PRODUCT, description="product to deploy")
    namespace: NamespaceName | None = Field(
        None, description="Kubernetes namespace of the stack, unless the product's own"
    )
    domain: Domain = Field(description="domain of the page; the public API answers at api.<domain>")
    account: str | None = Field(
        None, pattern=ACCOUNT_PATTERN, description="AWS account of the stack; a real deployment to any other is refused"
    )
    regions: tuple[str, ...] = Field(strict=False, min_length=1, description="AWS regions to deploy to")
    image: Image = Field("contentgen:dev", description="image of the application; a digest outside local")
    owner: TagValue = Field("platform", description="team that answers for the stack")
    services: dict[str, ServiceSettings] = Field(default_factory=dict, description="size by service, see limits")
    idle: IdleSettings = IdleSettings()
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
    research: ResearchSettings = ResearchSettings()
    payments: PaymentSettings = PaymentSettings()
    renderer: RendererSettings = RendererSettings()
    features: dict[str, bool] = Field(default_factory=dict, description="features of the product, on or off")
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
    def idles(self) -> bool:
        """True if services go to one instance without requests; in production only where the stack file says so."""
        given = self.idle.enabled
        return self.environment is not Environment.PROD if given is None else given

    @property
    def security_headers(self) -> dict[str, str]:
        """The default headers with the stack's own values; a null takes one away (and the policy pack refuses that)."""
        return {name: value for name, value in _merged(self.headers).items() if value is not None}


def checked(values: Mapping[str, object]) -> tuple[StackSettings | None, list[Wrong]]:
    """The settings of a stack file's ``contentgen:`` values, None if they have no valid form, and every wrong value."""
    try:
        return StackSettings.model_validate(dict(values)), []
    except ValidationError as error:
        return None, list(described(error, NAMESPACE))


def from_config(config: Mapping[str, str]) -> dict[str, object]:
    """The values that the engine hands to a program, which are text, with mappings and lists as JSON."""
    return {key: _value(text) for key, text in config.items()}


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
