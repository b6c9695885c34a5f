"""POST /webhooks/stripe: events of subscriptions and their invoices, verified by Stripe's signature (E13)."""

from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Header, Request
from prometheus_client import Counter
from starlette.responses import Response

from app.access.signatures import signed_at
from app.api.dependencies import ServicesNow
from app.api.problems import ProblemError, documented
from app.blog_ai.settings import BlogSettings
from app.blog_ai.stripe_events import TYPES, EventRefused, envelope, fact
from app.blog_ai.subscription_store import SubscriptionStore
from app.blog_ai.subscriptions import Settled

router = APIRouter(tags=["webhooks"])
EVENTS: Final = Counter("stripe_events", "Stripe's events that were verified.", ("type", "outcome"))
FAILURES: Final = Counter("stripe_payment_failures", "Payments of subscriptions that failed (O10).")
IGNORED, REFUSED, OTHER = "ignored", "refused", "other"
_LOG = structlog.get_logger("app.payments")
_SCHEMA: Final = {"type": "object", "required": ["id", "type", "created", "data"]}


@router.post(
    "/webhooks/stripe",
    status_code=204,
    responses=documented(400, 401, 413, 422, 429, 503),
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}},
)
async def stripe(
    request: Request, services: ServicesNow, stripe_signature: Annotated[str, Header(max_length=1000)] = ""
) -> Response:
    """204: taken, now or before, or of no interest here. 422: it should change a tier and does not say to what."""
    settings = services.settings
    assert isinstance(settings, BlogSettings)
    body = await request.body()
    if signed_at(settings.stripe_webhook_secrets, body, stripe_signature) is None:
        detail = "The signature is missing, wrong or too old; see STRIPE_WEBHOOK_SECRET."
        raise ProblemError(401, detail, {"WWW-Authenticate": "Stripe-Signature"})
    kind = OTHER
    try:
        event = envelope(body)
        kind = event.type if event.type in TYPES else OTHER
        found = fact(event, settings.tiers_by_price)
    except EventRefused as refusal:
        EVENTS.labels(kind, REFUSED).inc()
        _LOG.warning("stripe event refused", error=str(refusal))
        raise ProblemError(422, str(refusal)) from None
    if found is None:
        EVENTS.labels(kind, IGNORED).inc()
        return Response(status_code=204)
    outcome = await SubscriptionStore(services.database, services.cache).take(found)
    EVENTS.labels(kind, outcome.value).inc()
    if outcome.new and isinstance(found.change, Settled) and not found.change.paid:
        FAILURES.inc()
    _LOG.info("stripe event", event_id=event.id, event_type=event.type, outcome=outcome.value)
    return Response(status_code=204)
