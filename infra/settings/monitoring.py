"""Logs, alerts and budget of a stack."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from infra.settings.value_types import MAXIMUM_EMAILS, OBJECT_NAME, Email, LabelName, LabelValue, Model


class BudgetSettings(Model):
    """Monthly budget and the addresses that it notifies (requirement M01)."""

    monthly_usd: int | None = Field(None, ge=1, le=100_000, description="limit of a calendar month, USD")
    notify: tuple[Email, ...] = Field(
        (),
        strict=False,
        max_length=MAXIMUM_EMAILS,
        description="e-mail addresses that are notified beside the SNS topic",
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
