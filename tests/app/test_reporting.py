"""Reports about the service that leave it: errors in Sentry's wire format, traces in OpenTelemetry's."""

import json
import queue
from collections.abc import Callable

import httpx
import pytest
from conftest import Fleet, eventually
from listening import Answer, Seen, listening
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.settings import Settings

BODY = {"topic": "Growing tomatoes on a balcony", "content_type": "social", "client_id": "acme"}
CANARY = "canary-admin-token-0123"


def plain(seen: Seen) -> bytes:
    """The body without the compression that the sender chose."""
    headers = {"Content-Encoding": seen.headers["Content-Encoding"] or "identity"}
    return httpx.Response(200, headers=headers, content=seen.body).content


@pytest.mark.requirement("B04")
def test_an_error_reaches_sentry_with_environment_and_release_and_without_secrets(fleet: Fleet) -> None:
    events: queue.Queue[dict[str, object]] = queue.Queue()

    def receive(seen: Seen) -> Answer:
        body = plain(seen)
        assert CANARY.encode() not in body and b"postgres-password" not in body
        for line in body.splitlines():
            item = json.loads(line)
            if "exception" in item:
                events.put(item)
        return 200, b"{}"

    with listening(receive) as sentry:
        variables = {"SENTRY_DSN": sentry.replace("http://", "http://public@") + "/1", "VERSION": "1.2.3"}
        variables |= {"ENVIRONMENT": "dev", "ADMIN_TOKEN": CANARY}
        with fleet.process("cpm", "serve", "--role", "cpm", **variables) as (_, api):
            assert httpx.get(f"{api}/health/sentry").json() == {"sentry": {"active": True}}
            broken = httpx.get(f"{api}/debug-sentry", headers={"X-Admin-Token": CANARY})
            assert broken.status_code == 500
            event = events.get(timeout=20)
    assert (event["environment"], event["release"]) == ("dev", "1.2.3")
    assert "raised on purpose" in json.dumps(event["exception"])


@pytest.mark.requirement("B04")
@pytest.mark.parametrize(("environment", "rate"), [("prod", 0.1), ("staging", 1.0), ("dev", 1.0)])
def test_the_share_of_traced_requests_follows_the_environment(
    make_settings: Callable[..., Settings], environment: str, rate: float
) -> None:
    assert make_settings(environment=environment).traces_sample_rate == rate
    assert make_settings(environment=environment, sentry_traces_sample_rate=0.5).traces_sample_rate == 0.5
    assert make_settings().sentry_profiles_sample_rate == 0.1


def test_a_request_is_a_span_at_the_collector_under_the_callers_trace(fleet: Fleet) -> None:
    exported: list[ExportTraceServiceRequest] = []

    def receive(seen: Seen) -> Answer:
        assert seen.path == "/v1/traces"
        exported.append(ExportTraceServiceRequest.FromString(plain(seen)))
        return 200, b""

    trace = "0af7651916cd43dd8448eb211c80319c"
    with listening(receive) as collector:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_BSP_SCHEDULE_DELAY": "100", "SERVICE": "cpm"}
        with fleet.process("cpm", "serve", "--role", "cpm", **variables) as (_, api):
            headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
            assert httpx.post(f"{api}/generate", json=BODY, headers=headers).status_code == 202
            eventually(lambda: exported)
    resources = [resource for message in exported for resource in message.resource_spans]
    names = {a.key: a.value.string_value for resource in resources for a in resource.resource.attributes}
    assert names["service.name"] == "cpm"
    spans = [span for resource in resources for scope in resource.scope_spans for span in scope.spans]
    assert any("/generate" in span.name and span.trace_id.hex() == trace for span in spans)


@pytest.mark.requirement("B04")
def test_a_traced_request_tells_sentry_no_token_signature_or_client(fleet: Fleet) -> None:
    """Transactions are sent apart from errors, with the headers and the query of the request."""
    transactions: queue.Queue[str] = queue.Queue()

    def receive(seen: Seen) -> Answer:
        for line in plain(seen).splitlines():
            if b'"type":"transaction"' in line.replace(b" ", b"") and b"contexts" in line:
                transactions.put(line.decode())
        return 200, b"{}"

    with listening(receive) as sentry:
        variables = {"SENTRY_DSN": sentry.replace("http://", "http://public@") + "/1", "ENVIRONMENT": "staging"}
        variables |= {"ADMIN_TOKEN": CANARY, "API_KEY_REQUIRED": "false", "ALLOWED_ADMIN_IPS": "127.0.0.1"}
        with fleet.process("cpm", "serve", "--role", "cpm", **variables) as (_, api):
            secret = {"X-Admin-Token": CANARY, "X-Webhook-Signature": "t=1,v1=canary-signature"}
            assert httpx.get(f"{api}/admin/flags", headers=secret).status_code == 200
            httpx.get(f"{api}/jobs?client_id=canary-client", headers=secret)
            told = [transactions.get(timeout=20) for _ in range(2)]
    assert not [line for line in told if CANARY in line or "canary-signature" in line or "canary-client" in line]
