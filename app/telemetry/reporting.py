"""Errors to Sentry and traces to OpenTelemetry, each only where the settings name a place to send them (B04, E11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sentry_sdk
import structlog
from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber
from sentry_sdk.types import Event, Hint

from app.process_settings import ProcessSettings

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

SECRET_HEADERS = ("x-admin-token", "x-webhook-signature", "x-api-key", "idempotency-key", "client_id", "query_string")
_LOG = structlog.get_logger("app.reporting")


def report_errors(settings: ProcessSettings, clean: Callable[[str], str]) -> bool:
    """Start Sentry with environment and release set; what is sent passes the redactor. False when it is not wanted."""
    if settings.sentry_dsn is None:
        return False

    def without_secrets(event: Event, _: Hint) -> Event | None:
        scrub(event, clean)
        return event

    environment, release = settings.reported_as
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        environment=environment,
        release=release,
        traces_sample_rate=settings.traces_sample_rate,
        profiles_sample_rate=settings.sentry_profiles_sample_rate,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        before_send=without_secrets,
        # Transactions pass by the other one, and carry the request's headers as errors do.
        before_send_transaction=without_secrets,
        event_scrubber=EventScrubber(denylist=[*DEFAULT_DENYLIST, *SECRET_HEADERS], recursive=True),
    )
    return True


def scrub(node: object, clean: Callable[[str], str]) -> None:
    """Clean every string inside nested dictionaries and lists, in place."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(items):
        if isinstance(value, str):
            node[key] = clean(value)  # type: ignore[index]
        else:
            scrub(value, clean)


def tracer_provider(settings: ProcessSettings) -> TracerProvider | None:
    """Tracer provider for spans of requests; None when no collector is named. Needs the extra `otel`, and says so."""
    if settings.otel_exporter_otlp_endpoint is None:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        _LOG.error("traces are not sent: install the extra 'otel'", error=str(error))
        return None
    resource = {"service.name": settings.service, "service.instance.id": settings.instance_id}
    provider = trace.TracerProvider(resource=Resource.create(resource))
    endpoint = f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider
